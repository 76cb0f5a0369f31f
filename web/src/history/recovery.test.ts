import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { beforeEach, expect, it, vi } from 'vitest';
import { BYTES_PER_SECOND } from '../sound/pcm';
import type { Answer } from './answer';
import { Library, type Tabs } from './library';
import { answerName, Ownership, recordingName } from './ownership';
import type { Recording } from './recording';
import { recover } from './recovery';
import { Store } from './store';
import { testAnswer, testRecording } from './test-records';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

/** Other tabs, for which a test speaks. */
const tabs: Tabs = { postMessage: () => {}, onmessage: null };

/** What a page finds when it opens after another one left `recording`, `seconds` of audio and `answers` behind. */
async function after(
  recording: Recording,
  seconds: number,
  answers: Answer[] = [],
  ownership = new Ownership(undefined),
) {
  const store = await Store.open();
  await store.putRecording(recording);
  for (const answer of answers) await store.putAnswer(answer);
  for (let second = 0; second < seconds; second++) {
    await store.append(recording.id, second, new ArrayBuffer(BYTES_PER_SECOND));
  }
  const library = await Library.load(store, tabs);
  let recovered = 0;
  const settled = recover(library, ownership, () => recovered++);
  return { store, library, settled, recovered: () => recovered };
}

it('keeps a recording that was cut off, as not sent, with the length that was kept', async () => {
  const { store, library, settled, recovered } = await after(
    testRecording({ state: 'recording', seconds: null }),
    3,
  );
  await settled;
  expect(library.get('a')).toMatchObject({ state: 'kept', seconds: 3 });
  expect(await store.recording('a')).toMatchObject({ state: 'kept', seconds: 3 });
  expect((await library.audio(testRecording())).size).toBe(44 + 3 * BYTES_PER_SECOND);
  expect(recovered()).toBe(1);
});

it('drops a recording that holds no sound', async () => {
  const { store, library, settled, recovered } = await after(testRecording({ state: 'recording' }), 0);
  await settled;
  expect(library.recordings.value).toEqual([]);
  expect((await store.contents()).recordings).toEqual([]);
  expect(recovered()).toBe(0);
});

it('lets an answer that was being sent wait, with what it had before', async () => {
  const sending = testAnswer({ state: 'sending', text: 'hello', edited: 'Hello!', partial: 'hel' });
  const { store, library, settled, recovered } = await after(testRecording(), 1, [sending]);
  await settled;
  expect(library.answersOf('a')).toEqual([{ ...sending, state: 'waiting' }]);
  expect(await store.answer('a', sending.key)).toEqual({ ...sending, state: 'waiting' });
  expect(recovered()).toBe(1);
});

it('leaves finished ones alone', async () => {
  for (const state of ['waiting', 'done', 'failed'] as const) {
    const answer = testAnswer({ recording: state, state });
    const { library, settled, recovered } = await after(testRecording({ id: state }), 1, [answer]);
    await settled;
    expect(library.answersOf(state)).toEqual([answer]);
    expect(library.get(state)?.state).toBe('kept');
    expect(recovered()).toBe(0);
  }
});

it('leaves alone what another tab works on, and shows what that tab made of it', async () => {
  const locks = testLocks();
  const there = new Ownership(locks);
  const { key } = testAnswer();
  const names = [recordingName('a'), answerName('a', key)];
  const releases = await Promise.all(names.map((name) => there.take(name)));
  expect(there.held.value).toBe(2);
  const { store, library, settled, recovered } = await after(
    testRecording({ state: 'recording' }),
    1,
    [testAnswer({ state: 'sending', text: '' })],
    new Ownership(locks),
  );
  for (const name of names) expect(await new Ownership(locks).take(name)).toBeNull();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(library.get('a')?.state).toBe('recording');
  expect(library.answer('a', key)?.state).toBe('sending');
  await store.putRecording(testRecording());
  await store.putAnswer(testAnswer({ text: 'there' }));
  for (const release of releases) await release?.();
  await settled;
  expect(library.get('a')).toEqual(testRecording());
  expect(library.answersOf('a')).toEqual([testAnswer({ text: 'there' })]);
  expect(recovered()).toBe(0);
  expect(there.held.value).toBe(0);
});

it('settles what another tab begins later, should it crash', async () => {
  const locks = testLocks();
  const there = new Ownership(locks);
  const { store, library, settled, recovered } = await after(testRecording(), 1, [], new Ownership(locks));
  await settled;
  const crash = await there.take(answerName('a', testAnswer().key));
  await store.putAnswer(testAnswer({ state: 'sending' }));
  tabs.onmessage?.(new MessageEvent('message', { data: 'a' }));
  await library.answers.when((all) => all[0]?.state === 'sending');
  expect(recovered()).toBe(0);
  await crash?.();
  await library.answers.when((all) => all[0]?.state === 'waiting');
  await vi.waitFor(() => expect(recovered()).toBe(1));
});

/** A lock manager as the Web Locks standard has it. */
function testLocks(): Pick<LockManager, 'request'> {
  const last = new Map<string, Promise<unknown>>();
  const held = new Set<string>();
  const request = async (name: string, options: LockOptions, run: (lock: Lock | null) => unknown) => {
    if (options.ifAvailable && held.has(name)) return run(null);
    const turn = (last.get(name) ?? Promise.resolve()).then(async () => {
      held.add(name);
      try {
        return await run({ name, mode: 'exclusive' });
      } finally {
        held.delete(name);
      }
    });
    last.set(
      name,
      turn.catch(() => {}),
    );
    return turn;
  };
  return { request } as Pick<LockManager, 'request'>;
}
