import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { beforeEach, expect, it } from 'vitest';
import { BYTES_PER_SECOND } from '../sound/pcm';
import { Library } from './library';
import { Ownership } from './ownership';
import type { Recording } from './recording';
import { recover } from './recovery';
import { Store } from './store';
import { testRecording } from './test-recording';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

/** What a page finds when it opens after another one left `recording` and `seconds` of audio behind. */
async function after(recording: Recording, seconds: number, ownership = new Ownership(undefined)) {
  const store = await Store.open();
  await store.put(recording);
  for (let second = 0; second < seconds; second++) {
    await store.append(recording.id, second, new ArrayBuffer(BYTES_PER_SECOND));
  }
  const library = await Library.load(store);
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
  expect(library.get('a')).toMatchObject({ state: 'recorded', seconds: 3 });
  expect(await store.get('a')).toMatchObject({ state: 'recorded', seconds: 3 });
  expect((await library.audio(testRecording())).size).toBe(44 + 3 * BYTES_PER_SECOND);
  expect(recovered()).toBe(1);
});

it('drops a recording that holds no sound', async () => {
  const { store, library, settled, recovered } = await after(testRecording({ state: 'recording' }), 0);
  await settled;
  expect(library.recordings.value).toEqual([]);
  expect(await store.list()).toEqual([]);
  expect(recovered()).toBe(0);
});

it('takes back one that was being sent, with the transcript it had before', async () => {
  const first = await after(testRecording({ state: 'sending' }), 1);
  await first.settled;
  expect(first.library.get('a')?.state).toBe('recorded');
  const result = { text: 'hello', noSpeech: false };
  const again = await after(testRecording({ id: 'b', state: 'sending', result }), 1);
  await again.settled;
  expect(again.library.get('b')).toMatchObject({ state: 'done', result });
});

it('leaves finished ones alone', async () => {
  for (const state of ['recorded', 'done', 'failed'] as const) {
    const { library, settled, recovered } = await after(testRecording({ id: state, state }), 1);
    await settled;
    expect(library.get(state)?.state).toBe(state);
    expect(recovered()).toBe(0);
  }
});

it('leaves a recording alone while another tab works on it, and shows what that tab made of it', async () => {
  const locks = oneLock();
  const release = await new Ownership(locks).take('a');
  const { store, library, settled, recovered } = await after(
    testRecording({ state: 'recording' }),
    1,
    new Ownership(locks),
  );
  expect(await new Ownership(locks).take('a')).toBeNull();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(library.get('a')?.state).toBe('recording');
  await store.put(testRecording({ state: 'done', result: { text: 'there', noSpeech: false } }));
  await release?.();
  await settled;
  expect(library.get('a')).toMatchObject({ state: 'done', result: { text: 'there' } });
  expect(recovered()).toBe(0);
});

/** A lock manager as the Web Locks standard has it, for one name. */
function oneLock(): Pick<LockManager, 'request'> {
  let last: Promise<unknown> = Promise.resolve();
  let held = false;
  const request = async (_: string, options: LockOptions, run: (lock: Lock | null) => unknown) => {
    if (options.ifAvailable && held) return run(null);
    const turn = last.then(async () => {
      held = true;
      try {
        return await run({ name: _, mode: 'exclusive' });
      } finally {
        held = false;
      }
    });
    last = turn.catch(() => {});
    return turn;
  };
  return { request } as Pick<LockManager, 'request'>;
}
