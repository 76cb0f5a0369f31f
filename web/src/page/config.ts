import { TASKS, type Task } from '../history/answer';

/** What a deployment decides, written next to the page by whoever deploys it. */
export interface Config {
  /** Address of the service without a slash at its end, e.g. `https://speech.example`. */
  service: string;
  auth: 'none' | 'api-key' | 'firebase';
  /** Null unless `auth` is `firebase`. */
  firebase: Firebase | null;
  /** Whether a person may type another address of the service, as in a local build. */
  typedService: boolean;
  model: Model;
}

/** What Firebase needs to know to sign somebody in; none of it is a secret. */
export interface Firebase {
  apiKey: string;
  /** Host that serves Firebase's sign-in window, e.g. `project.firebaseapp.com`. */
  authDomain: string;
  projectId: string;
  appId: string;
}

export interface Model {
  /** Sent back as `model` with every request. */
  id: string;
  tasks: string[];
  /** The wording of the tasks that are asked for by text; '' where the person finds all of it. */
  prompts: Partial<Record<Task, string>>;
  /** BCP 47 codes of the languages it understands; null: many. */
  languages: string[] | null;
  limits: Limits;
}

export interface Limits {
  /** Longest audio of one request, seconds. */
  audioSeconds: number;
  /** Largest request body, bytes. */
  uploadBytes: number;
}

/** `config.json` cannot be fetched (`missing`) or does not say what it must (`invalid`). */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly kind: 'missing' | 'invalid';

  constructor(kind: 'missing' | 'invalid', detail: string) {
    super(detail);
    this.kind = kind;
  }
}

/**
 * Reads the deployment's configuration from the page's own origin.
 * @throws {ConfigError}
 */
export async function loadConfig(url: string, fetchFile: typeof fetch = fetch): Promise<Config> {
  let response: Response;
  try {
    // `no-cache` asks the host whether the file changed: a new deployment must not meet an old address.
    response = await fetchFile(url, { cache: 'no-cache' });
  } catch (error) {
    throw new ConfigError('missing', String(error));
  }
  if (!response.ok) throw new ConfigError('missing', `HTTP ${response.status}`);
  let value: unknown;
  try {
    value = await response.json();
  } catch {
    throw new ConfigError('invalid', 'not JSON');
  }
  return parseConfig(value);
}

/**
 * Checks a parsed `config.json`. Fields this page does not use are ignored.
 * @throws {ConfigError} of kind `invalid`, whose message names the field
 */
export function parseConfig(value: unknown): Config {
  const config = record(value, 'config.json');
  const model = record(config.model, 'model');
  const limits = record(model.limits, 'model.limits');
  const auth = config.auth;
  if (auth !== 'none' && auth !== 'api-key' && auth !== 'firebase')
    throw invalid('auth', 'none, api-key or firebase');
  const tasks = strings(model.tasks, 'model.tasks');
  if (!tasks.includes('transcribe')) throw invalid('model.tasks', 'a list with "transcribe"');
  return {
    service: origin(config.service),
    auth,
    firebase: auth === 'firebase' ? firebase(config.firebase) : null,
    typedService: flag(config.typed_service ?? false, 'typed_service'),
    model: {
      id: text(model.id, 'model.id'),
      tasks,
      prompts: prompts(model.prompts ?? {}),
      languages: model.languages === null ? null : strings(model.languages, 'model.languages'),
      limits: {
        audioSeconds: positive(limits.audio_seconds, 'model.limits.audio_seconds'),
        uploadBytes: positive(limits.upload_bytes, 'model.limits.upload_bytes'),
      },
    },
  };
}

function invalid(field: string, expected: string): ConfigError {
  return new ConfigError('invalid', `${field}: expected ${expected}`);
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(field, 'an object');
  return value as Record<string, unknown>;
}

function text(value: unknown, field: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'a text');
  return value;
}

function strings(value: unknown, field: string): string[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(field, 'a list of texts');
  return value.map((entry) => text(entry, field));
}

function prompts(value: unknown): Partial<Record<Task, string>> {
  const wordings = record(value, 'model.prompts');
  const known = TASKS.filter((task) => wordings[task] !== undefined);
  return Object.fromEntries(
    known.map((task) => {
      const words = wordings[task];
      if (typeof words !== 'string') throw invalid(`model.prompts.${task}`, 'a text');
      return [task, words];
    }),
  );
}

function firebase(value: unknown): Firebase {
  const given = record(value, 'firebase');
  const { apiKey, authDomain, projectId, appId } = given;
  return {
    apiKey: text(apiKey, 'firebase.apiKey'),
    authDomain: text(authDomain, 'firebase.authDomain'),
    projectId: text(projectId, 'firebase.projectId'),
    appId: text(appId, 'firebase.appId'),
  };
}

function flag(value: unknown, field: string): boolean {
  if (typeof value !== 'boolean') throw invalid(field, 'true or false');
  return value;
}

function positive(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw invalid(field, 'a number above 0');
  }
  return value;
}

function origin(value: unknown): string {
  const address = text(value, 'service');
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) throw invalid('service', 'an http(s) address');
  return address.replace(/\/+$/, '');
}
