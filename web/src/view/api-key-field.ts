import type { Access } from '../page/access';
import { saveApiKey, savedApiKey } from '../page/api-key';
import { part } from './element';

/** The field for the service's key, which is sent as it stands there. */
export function mountApiKeyField(): Access {
  const form = part<HTMLFormElement>('.api-key');
  form.hidden = false;
  // The key is kept as it is typed, so the Enter key has nothing to do.
  form.addEventListener('submit', (event) => event.preventDefault());
  const input = part<HTMLInputElement>('[data-testid=api-key]');
  const key = (): string => input.value.trim();
  input.value = savedApiKey();
  input.addEventListener('input', () => saveApiKey(key()));
  return { authorization: async () => key() };
}
