import type { Library } from './library';
import { recordingName } from './ownership';

/**
 * Deletes everything, unless something is being recorded in any tab: its seconds would go on coming.
 * @param locks - undefined where the browser has none
 * @returns whether it was done
 */
export async function deleteAll(
  library: Library,
  locks: Pick<LockManager, 'query'> | undefined = globalThis.navigator?.locks,
): Promise<boolean> {
  const held = (await locks?.query().catch(() => null))?.held ?? [];
  const elsewhere = held.some(({ name }) => name?.startsWith(recordingName('')));
  if (elsewhere || library.recordings.value.some(({ state }) => state === 'recording')) return false;
  await library.clear();
  return true;
}
