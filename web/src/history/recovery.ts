import type { Library } from './library';
import { answerName, type Ownership, recordingName } from './ownership';

/**
 * Looks after what an earlier page left in the middle of something. What another tab still works on is waited for,
 * and settled should that tab crash.
 * @param onRecovered - called for each recording and each answer that was left behind and is kept
 * @returns resolves when all are settled, which may be as late as the end of another tab
 */
export async function recover(
  library: Library,
  ownership: Ownership,
  onRecovered: () => void,
): Promise<void> {
  const own = async (name: string, settle: () => Promise<boolean>): Promise<void> => {
    const release = await ownership.wait(name);
    try {
      if (await settle()) onRecovered();
    } finally {
      await release();
    }
  };
  const recordings = library.recordings.value.filter(({ state }) => state === 'recording');
  const answers = library.answers.value.filter(({ state }) => state === 'sending');
  await Promise.all([
    ...recordings.map(({ id }) => own(recordingName(id), () => library.settle(id))),
    ...answers.map(({ recording, key }) =>
      own(answerName(recording, key), () => library.settleAnswer(recording, key)),
    ),
  ]);
}
