import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Part } from './answer';
import { Library } from './library';
import { Store } from './store';
import { testAnswer, testRecording } from './test-records';

const channels: BroadcastChannel[] = [];

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
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

/** Another tab that shows the same store. */
async function tab(hears = true): Promise<Library> {
  if (!hears) return Library.load(await Store.open());
  const channel = new BroadcastChannel('kikitori');
  channels.push(channel);
  return Library.load(await Store.open(), channel);
}

it('shows what other tabs make of the history', async () => {
  const { store } = await libraryWith('a', 'b');
  const [here, there] = [await tab(), await tab()];
  await there.change('a', { name: 'talk' });
  await there.changeAnswer('a', key, { edited: 'mine' });
  await there.remove('b');
  await there.put(testRecording({ id: 'c', createdAt: 9 }));
  const expected = await store.contents();
  await vi.waitFor(() => expect(here.get('c')).toBeDefined());
  expect(here.recordings.value.map(({ id, name }) => `${id} ${name}`)).toEqual(['c null', 'a talk']);
  expect(here.answers.value).toEqual(expected.answers);
  expect(here.answers.value).toEqual(there.answers.value);
  await here.clear();
  await vi.waitFor(() => expect(there.recordings.value).toEqual([]));
  expect(there.answers.value).toEqual([]);
});

it('changes what is stored, not what it remembers', async () => {
  const { store } = await libraryWith('a', 'b');
  // Deaf, as a tab is until a message arrives.
  const [here, there] = [await tab(false), await tab(false)];
  await there.changeAnswer('a', key, { edited: 'mine' });
  await there.remove('b');
  const remembered = here.answer('a', key);
  if (!remembered) throw new Error('nothing is remembered');
  await here.putAnswer({ ...remembered, state: 'sending', failure: null, partial: '' });
  await here.changeAnswer('a', key, { state: 'done', text: 'again' });
  await here.change('b', { name: 'ghost' });
  await here.putAnswer(testAnswer({ recording: 'b' }));
  const kept = testAnswer({ createdAt: 0, text: 'again', edited: 'mine' });
  expect(await store.contents()).toEqual({ recordings: [testRecording({ createdAt: 0 })], answers: [kept] });
  expect(here.recordings.value.map(({ id }) => id)).toEqual(['a']);
  expect(here.answers.value).toEqual([kept]);
});

it('goes on with what could not be written, and writes it with the next change', async () => {
  const { store, library } = await libraryWith('a');
  vi.spyOn(store, 'changeRecording').mockRejectedValueOnce(new DOMException('full', 'QuotaExceededError'));
  await expect(library.change('a', { seconds: 9 })).rejects.toThrow('full');
  expect(library.get('a')?.seconds).toBe(9);
  await library.change('a', { name: 'talk' });
  expect(await store.recording('a')).toMatchObject({ name: 'talk', seconds: 9 });
});
