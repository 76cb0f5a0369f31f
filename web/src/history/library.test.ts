import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { beforeEach, expect, it } from 'vitest';
import type { Part } from './answer';
import { Library } from './library';
import { Store } from './store';
import { testAnswer, testRecording } from './test-records';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const { key } = testAnswer();
const PART: Part = { recording: 'a', key, from: 0, to: 16_000, reply: null };

async function libraryWith(...ids: string[]) {
  const store = await Store.open();
  for (const [index, id] of ids.entries()) {
    await store.putRecording(testRecording({ id, createdAt: index }));
    await store.putAnswer(testAnswer({ recording: id, createdAt: index }));
  }
  return { store, library: await Library.load(store) };
}

it('tells its observers of every change, recordings newest first and answers oldest first', async () => {
  const { library } = await libraryWith('a');
  const seen: string[] = [];
  library.recordings.subscribe((all) => seen.push(all.map(({ id, name }) => `${id} ${name}`).join(', ')));
  await library.put(testRecording({ id: 'b', createdAt: 5 }));
  await library.change('a', { name: 'talk' });
  await library.putAnswer(testAnswer({ recording: 'b', createdAt: 6 }));
  expect(library.answers.value.map(({ recording }) => recording)).toEqual(['a', 'b']);
  await library.remove('b');
  expect(seen).toEqual(['a null', 'b null, a null', 'b null, a talk', 'a talk']);
  expect(library.answers.value.map(({ recording }) => recording)).toEqual(['a']);
});

it('loses none of two changes that are made at once', async () => {
  const { store, library } = await libraryWith('a');
  await Promise.all([
    library.change('a', { name: 'talk' }),
    library.change('a', { seconds: 9 }),
    library.changeAnswer('a', key, { text: 'new' }),
    library.changeAnswer('a', key, { edited: 'mine' }),
    library.change('a', { name: 'walk' }),
  ]);
  expect(library.get('a')).toMatchObject({ name: 'walk', seconds: 9 });
  expect(await store.recording('a')).toEqual(library.get('a'));
  expect(await store.answer('a', key)).toMatchObject({ text: 'new', edited: 'mine' });
});

it('does not bring back what is deleted while a change of it is being kept', async () => {
  const { store, library } = await libraryWith('a');
  const nothing = { recordings: [], answers: [] };
  await Promise.all([
    library.change('a', { seconds: 9 }),
    library.changeAnswer('a', key, { text: 'new' }),
    library.remove('a'),
  ]);
  expect(library.recordings.value).toEqual([]);
  expect(await store.contents()).toEqual(nothing);
  await library.change('a', { seconds: 9 });
  await library.changeAnswer('a', key, { text: 'new' });
  await library.putAnswer(testAnswer());
  await library.putPart(PART);
  expect(await store.contents()).toEqual(nothing);
  expect(await store.parts('a', key)).toEqual([]);
});

it('hands a deleted recording over as it last was', async () => {
  const { library } = await libraryWith('a');
  const changing = library.changeAnswer('a', key, { state: 'sending', text: 'new' });
  const removed = await library.remove('a');
  await changing;
  if (!removed) throw new Error('nothing was handed over');
  await library.restore(removed);
  // Nobody sends it any more.
  expect(library.answersOf('a')).toEqual([testAnswer({ createdAt: 0, state: 'waiting', text: 'new' })]);
});

it('finishes an answer once, and an edit that comes in between survives', async () => {
  const { store, library } = await libraryWith('a');
  await library.changeAnswer('a', key, { state: 'sending' });
  await library.putPart(PART);
  const finishing = library.finish('a', key, { state: 'done', text: 'whole' });
  const editing = library.changeAnswer('a', key, { edited: 'mine' });
  expect(await finishing).toBe(true);
  await editing;
  expect(library.answer('a', key)).toMatchObject({ state: 'done', text: 'whole', edited: 'mine' });
  expect(await store.answer('a', key)).toEqual(library.answer('a', key));
  expect(await library.finish('a', key, { text: 'again' })).toBe(false);
  expect(library.answer('a', key)?.text).toBe('whole');
});

it('deletes everything', async () => {
  const { store, library } = await libraryWith('a', 'b');
  await library.clear();
  expect([library.recordings.value, library.answers.value]).toEqual([[], []]);
  expect(await store.contents()).toEqual({ recordings: [], answers: [] });
});
