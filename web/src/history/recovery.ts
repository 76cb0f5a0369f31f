import type { Library } from './library';
import type { Ownership } from './ownership';

/**
 * Looks after what an earlier page left in the middle of something. A recording that another tab still
 * works on is waited for, and settled should that tab crash.
 * @param onRecovered - called for each recording that was left behind and is kept
 * @returns resolves when all are settled, which may be as late as the end of another tab
 */
export async function recover(
  library: Library,
  ownership: Ownership,
  onRecovered: () => void,
): Promise<void> {
  const unfinished = library.recordings.value.filter(
    ({ state }) => state === 'recording' || state === 'sending',
  );
  await Promise.all(
    unfinished.map(async ({ id }) => {
      const release = await ownership.wait(id);
      try {
        if (await library.settle(id)) onRecovered();
      } finally {
        await release();
      }
    }),
  );
}
