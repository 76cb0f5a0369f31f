import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { beforeEach, expect, it } from 'vitest';
import { Library } from './library';
import { Store } from './store';
import { testRecording } from './test-recording';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

async function libraryWith(...ids: string[]) {
  const store = await Store.open();
  for (const [index, id] of ids.entries()) await store.put(testRecording({ id, createdAt: index }));
  return { store, library: await Library.load(store) };
}

it('tells its observers of every change, newest first', async () => {
  const { library } = await libraryWith('a');
  const seen: string[] = [];
  library.recordings.subscribe((all) => seen.push(all.map(({ id, state }) => `${id} ${state}`).join(', ')));
  await library.put(testRecording({ id: 'b', createdAt: 5 }));
  await library.change('a', { state: 'failed' });
  await library.remove('b');
  expect(seen).toEqual(['a recorded', 'b recorded, a recorded', 'b recorded, a failed', 'a failed']);
});

it('does not bring back what is deleted while a change of it is being kept', async () => {
  const { store, library } = await libraryWith('a');
  await Promise.all([library.change('a', { state: 'done' }), library.remove('a')]);
  expect(library.recordings.value).toEqual([]);
  expect(await store.list()).toEqual([]);
  await library.change('a', { state: 'done' });
  expect(await store.list()).toEqual([]);
});
