import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { beforeEach, describe, expect, it } from 'vitest';
import { SAMPLE_RATE } from '../sound/pcm';
import type { Part } from './answer';
import { Store } from './store';
import { testAnswer, testRecording } from './test-records';
import type { FirstRecording } from './upgrade';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const { key } = testAnswer();
const bytes = (...values: number[]) => Uint8Array.from(values).buffer;
const values = (pieces: ArrayBuffer[]) => pieces.map((piece) => [...new Uint8Array(piece)]);
const testPart = (changes: Partial<Part> = {}): Part => ({
  recording: 'a',
  key,
  from: 0,
  to: 16_000,
  reply: null,
  ...changes,
});

it('still has everything after the page was closed', async () => {
  const store = await Store.open();
  await store.putRecording(testRecording());
  await store.putAnswer(testAnswer());
  await store.putPart(testPart());
  const later = await Store.open();
  expect(await later.contents()).toEqual({ recordings: [testRecording()], answers: [testAnswer()] });
  expect(await later.recording('a')).toEqual(testRecording());
  expect(await later.answer('a', key)).toEqual(testAnswer());
  expect(await later.parts('a', key)).toEqual([testPart()]);
});

it('gives the pieces back in the order of their numbers, and only those of the recording', async () => {
  const store = await Store.open();
  for (const index of [10, 2, 0, 1]) await store.append('a', index, bytes(index));
  await store.append('b', 0, bytes(99));
  await store.append('a2', 0, bytes(98));
  expect(values(await store.sound('a'))).toEqual([[0], [1], [2], [10]]);
  expect(await store.sound('nobody')).toEqual([]);
});

describe('a stretch of sound', () => {
  /** Three seconds and a bit, each sample its own number. */
  const LENGTH = 3 * SAMPLE_RATE + 500;
  const numbers = Int16Array.from({ length: LENGTH }, (_, index) => index);

  async function recorded() {
    const store = await Store.open();
    for (let second = 0; second < 4; second++) {
      const piece = numbers.slice(second * SAMPLE_RATE, (second + 1) * SAMPLE_RATE);
      await store.append('a', second, piece.buffer);
    }
    return store;
  }

  it.each([
    [0, LENGTH],
    [0, 1],
    [1, 2],
    [SAMPLE_RATE - 1, SAMPLE_RATE + 1],
    [SAMPLE_RATE, 2 * SAMPLE_RATE],
    [17_123, 47_999],
    [LENGTH - 1, LENGTH],
    [3 * SAMPLE_RATE, LENGTH + 5],
    [100, 100],
    [LENGTH + SAMPLE_RATE, LENGTH + 2 * SAMPLE_RATE],
  ])('is cut to the sample, from %i to %i', async (from, to) => {
    const store = await recorded();
    const pieces = await store.sound('a', { from, to });
    expect(pieces.flatMap((piece) => [...new Int16Array(piece)])).toEqual([...numbers.slice(from, to)]);
  });

  it('knows its length without being read', async () => {
    expect(await (await recorded()).samples('a')).toBe(LENGTH);
    expect(await (await recorded()).samples('nobody')).toBe(0);
  });
});

it('removes a recording with all that belongs to it, and can bring it back', async () => {
  const store = await Store.open();
  await store.putRecording(testRecording());
  await store.append('a', 0, bytes(1));
  await store.append('a', 1, bytes(2));
  await store.append('b', 0, bytes(3));
  await store.putRecording(testRecording({ id: 'b' }));
  for (const recording of ['a', 'b']) {
    await store.putAnswer(testAnswer({ recording }));
    await store.putPart(testPart({ recording }));
  }
  const removed = await store.remove('a');
  expect(await store.contents()).toEqual({
    recordings: [testRecording({ id: 'b' })],
    answers: [testAnswer({ recording: 'b' })],
  });
  expect(await store.sound('a')).toEqual([]);
  expect(await store.parts('a', key)).toEqual([]);
  expect(values(await store.sound('b'))).toEqual([[3]]);
  expect(await store.parts('b', key)).toHaveLength(1);
  if (!removed) throw new Error('nothing was handed over');
  await store.restore(removed);
  expect(await store.recording('a')).toEqual(testRecording());
  expect(await store.answer('a', key)).toEqual(testAnswer());
  expect(await store.parts('a', key)).toEqual([testPart()]);
  expect(values(await store.sound('a'))).toEqual([[1], [2]]);
  await store.clear();
  expect(await store.contents()).toEqual({ recordings: [], answers: [] });
  expect(await store.sound('b')).toEqual([]);
});

it('removes nothing for an unknown id', async () => {
  expect(await (await Store.open()).remove('nobody')).toBeNull();
});

it('finishes an answer once: its parts are gone then, and those of others stay', async () => {
  const store = await Store.open();
  const other = testAnswer({ key: 'other' });
  await store.putRecording(testRecording());
  await store.putAnswer(testAnswer({ state: 'sending', text: '' }));
  await store.putAnswer(other);
  for (const from of [32_000, 0]) await store.putPart(testPart({ from, to: from + 16_000 }));
  await store.putPart(testPart({ key: other.key }));
  expect((await store.parts('a', key)).map(({ from }) => from)).toEqual([0, 32_000]);
  const twice = ['first', 'second'].map((text) => store.finish('a', key, { state: 'done', text }));
  const first = testAnswer({ text: 'first' });
  expect(await Promise.all(twice)).toEqual([first, undefined]);
  expect(await store.answer('a', key)).toEqual(first);
  expect(await store.parts('a', key)).toEqual([]);
  expect(await store.parts('a', other.key)).toHaveLength(1);
});

it('changes what is stored, and nothing that is gone', async () => {
  const store = await Store.open();
  await store.putRecording(testRecording({ name: 'talk' }));
  await store.putAnswer(testAnswer({ edited: 'mine' }));
  expect(await store.changeRecording('a', { seconds: 9 })).toEqual(
    testRecording({ name: 'talk', seconds: 9 }),
  );
  const changed = testAnswer({ edited: 'mine', state: 'sending' });
  expect(await store.putAnswer(testAnswer({ state: 'sending' }), { state: 'sending' })).toEqual(changed);
  expect(await store.changeAnswer('a', key, { text: 'new' })).toEqual({ ...changed, text: 'new' });
  await store.remove('a');
  expect(await store.changeRecording('a', { name: 'ghost' })).toBeUndefined();
  expect(await store.changeAnswer('a', key, { text: 'ghost' })).toBeUndefined();
  expect(await store.putAnswer(testAnswer())).toBeUndefined();
  await store.putPart(testPart());
  expect(await store.contents()).toEqual({ recordings: [], answers: [] });
  expect(await store.parts('a', key)).toEqual([]);
});

it('drops an answer with its parts', async () => {
  const store = await Store.open();
  await store.putRecording(testRecording());
  await store.putAnswer(testAnswer());
  await store.putPart(testPart());
  await store.dropAnswer('a', key);
  expect(await store.answer('a', key)).toBeUndefined();
  expect(await store.parts('a', key)).toEqual([]);
});

describe('a database of version 1', () => {
  const old: FirstRecording = {
    id: 'old',
    createdAt: 7,
    file: null,
    seconds: 3,
    state: 'recorded',
    result: null,
    partial: '',
    failure: null,
  };
  const cut = { kind: 'cut', detail: null, retryAfter: null } as const;

  async function firstVersion(...recordings: FirstRecording[]) {
    const database = await openDB('kikitori', 1, {
      upgrade(fresh) {
        fresh.createObjectStore('recordings', { keyPath: 'id' });
        fresh.createObjectStore('audio');
      },
    });
    for (const recording of recordings) {
      await database.put('recordings', recording);
      await database.put('audio', bytes(1, 2), [recording.id, 0]);
    }
    return database;
  }

  it('keeps every recording and its sound, and takes its transcript out of it', async () => {
    const file = { name: 'a.webm', type: 'audio/webm' };
    const database = await firstVersion(
      { ...old, id: 'never' },
      { ...old, id: 'now', state: 'recording', seconds: null },
      { ...old, id: 'done', state: 'done', result: { text: 'hello', noSpeech: false } },
      { ...old, id: 'silent', state: 'done', result: { text: '', noSpeech: true } },
      { ...old, id: 'failed', state: 'failed', file, seconds: null, partial: 'hel', failure: cut },
      { ...old, id: 'sending', state: 'sending', result: { text: 'before', noSpeech: false } },
    );
    database.close();
    const store = await Store.open();
    const { recordings, answers } = await store.contents();
    const recording = testRecording({ createdAt: 7, seconds: 3 });
    expect(recordings).toEqual([
      { ...recording, id: 'done' },
      { ...recording, id: 'failed', name: 'a.webm', sound: { type: 'audio/webm' }, seconds: null },
      { ...recording, id: 'never' },
      { ...recording, id: 'now', state: 'recording', seconds: null },
      { ...recording, id: 'sending' },
      { ...recording, id: 'silent' },
    ]);
    const answer = testAnswer({ createdAt: 7 });
    expect(answers).toEqual([
      { ...answer, recording: 'done', text: 'hello' },
      { ...answer, recording: 'failed', state: 'failed', text: '', partial: 'hel', failure: cut },
      { ...answer, recording: 'sending', state: 'sending', text: 'before' },
      { ...answer, recording: 'silent', text: '', noSpeech: true },
    ]);
    for (const { id } of recordings) expect(values(await store.sound(id))).toEqual([[1, 2]]);
  });

  it('is waited for while an older page holds it', async () => {
    const database = await firstVersion(old);
    let blocked = 0;
    const opening = Store.open({ onBlocked: () => blocked++ });
    await expect.poll(() => blocked).toBe(1);
    database.close();
    expect((await (await opening).contents()).recordings).toHaveLength(1);
  });
});

it('lets a newer page have the database as soon as this one can do without', async () => {
  let free: () => void = () => {};
  const store = await Store.open({
    release: () =>
      new Promise((resolve) => {
        free = resolve;
      }),
  });
  let blocked = 0;
  const newer = openDB('kikitori', 3, { blocked: () => blocked++ });
  await expect.poll(() => blocked).toBe(1);
  await store.putRecording(testRecording());
  free();
  expect(await (await newer).get('recordings', 'a')).toEqual(testRecording());
  await expect(store.putRecording(testRecording())).rejects.toThrow();
});
