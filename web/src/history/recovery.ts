import type { Library } from './library';
import { answerName, type Ownership, recordingName } from './ownership';

/**
 * Looks after what an earlier page left in the middle of something. What another tab still works on is waited for,
 * and settled should that tab crash, whenever that tab began with it.
 * @param onRecovered - called for each recording and each answer that was left behind and is kept
 * @returns resolves when all that is there now are settled, which may be as late as the end of another tab
 */
export async function recover(
  library: Library,
  ownership: Ownership,
  onRecovered: () => void,
): Promise<void> {
  const waited = new Set<string>();
  const own = async (name: string, settle: () => Promise<boolean>): Promise<void> => {
    if (waited.has(name)) return;
    waited.add(name);
    const release = await ownership.wait(name);
    try {
      if (await settle()) onRecovered();
    } finally {
      waited.delete(name);
      await release();
    }
  };
  /** @param heard - only what belongs to this recording; null: everything */
  const settle = async (heard: string | null): Promise<void> => {
    const isMeant = (id: string): boolean => heard === null || id === heard;
    const recordings = library.recordings.value.filter(
      ({ id, state }) => state === 'recording' && isMeant(id),
    );
    const answers = library.answers.value.filter(
      ({ recording, state }) => state === 'sending' && isMeant(recording),
    );
    await Promise.all([
      ...recordings.map(({ id }) => own(recordingName(id), () => library.settle(id))),
      ...answers.map(({ recording, key }) =>
        own(answerName(recording, key), () => library.settleAnswer(recording, key)),
      ),
    ]);
  };
  const all = settle(null);
  // Without locks nobody can tell whether the tab that was heard is still at it.
  library.heard.subscribe((heard) => {
    if (heard !== null && ownership.knows) void settle(heard);
  });
  await all;
}
