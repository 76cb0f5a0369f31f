import type { Config } from './config';
import type { Settings } from './settings';

const HERE = ['127.0.0.1', 'localhost'];

/** The origin of a service on this machine that a person has typed; null where it is none. */
export function typedAddress(typed: string): string | null {
  if (!URL.canParse(typed)) return null;
  const { protocol, hostname, origin } = new URL(typed);
  // No others: the headers of a local build let the page call these alone.
  return protocol === 'http:' && HERE.includes(hostname) ? origin : null;
}

/** Where the service is: as typed where the deployment allows that, else as the deployment says. */
export function serviceAddress(config: Config, settings: Settings): string {
  const typed = config.typedService && settings.address !== null ? typedAddress(settings.address) : null;
  return typed ?? config.service;
}
