import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { beforeEach, expect, it } from 'vitest';
import { Store } from './store';
import { testRecording } from './test-recording';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const bytes = (...values: number[]) => Uint8Array.from(values).buffer;
const values = (pieces: ArrayBuffer[]) => pieces.map((piece) => [...new Uint8Array(piece)]);

it('lists recordings newest first, also after the page was closed', async () => {
  const store = await Store.open();
  await store.put(testRecording({ id: 'old', createdAt: 1 }));
  await store.put(testRecording({ id: 'new', createdAt: 3 }));
  await store.put(testRecording({ id: 'mid', createdAt: 2 }));
  const later = await Store.open();
  expect((await later.list()).map(({ id }) => id)).toEqual(['new', 'mid', 'old']);
  expect(await later.get('mid')).toEqual(testRecording({ id: 'mid', createdAt: 2 }));
});

it('gives the pieces back in the order of their numbers, and only those of the recording', async () => {
  const store = await Store.open();
  for (const index of [10, 2, 0, 1]) await store.append('a', index, bytes(index));
  await store.append('b', 0, bytes(99));
  await store.append('a2', 0, bytes(98));
  expect(values(await store.audio('a'))).toEqual([[0], [1], [2], [10]]);
  expect(await store.audio('nobody')).toEqual([]);
});

it('removes a recording with its audio, and can bring both back', async () => {
  const store = await Store.open();
  await store.put(testRecording());
  await store.append('a', 0, bytes(1));
  await store.append('a', 1, bytes(2));
  await store.append('b', 0, bytes(3));
  const removed = await store.remove('a');
  expect(await store.list()).toEqual([]);
  expect(await store.audio('a')).toEqual([]);
  expect(values(await store.audio('b'))).toEqual([[3]]);
  if (!removed) throw new Error('nothing was handed over');
  await store.restore(removed);
  expect(await store.list()).toEqual([testRecording()]);
  expect(values(await store.audio('a'))).toEqual([[1], [2]]);
});

it('removes nothing for an unknown id', async () => {
  expect(await (await Store.open()).remove('nobody')).toBeNull();
});
