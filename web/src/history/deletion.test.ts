import 'fake-indexeddb/auto';
import { expect, it } from 'vitest';
import { deleteAll } from './deletion';
import { Library } from './library';
import { recordingName } from './ownership';
import { Store } from './store';
import { testAnswer, testRecording } from './test-records';

const holding = (...names: string[]) => ({ query: async () => ({ held: names.map((name) => ({ name })) }) });

async function library(state: 'recording' | 'kept'): Promise<{ store: Store; library: Library }> {
  const store = await Store.open({ name: crypto.randomUUID() });
  const entry = { recording: testRecording({ state }), audio: [new ArrayBuffer(2)], answers: [testAnswer()] };
  await store.restore({ ...entry, parts: [] });
  return { store, library: await Library.load(store) };
}

it('deletes everything', async () => {
  const { store, library: all } = await library('kept');
  expect(await deleteAll(all, holding('kikitori.answer.a ["transcribe",null,null]'))).toBe(true);
  expect([all.recordings.value, all.answers.value]).toEqual([[], []]);
  expect([await store.contents(), await store.sound('a')]).toEqual([{ recordings: [], answers: [] }, []]);
});

it('deletes nothing under a recording in progress, in this tab or another', async () => {
  const here = await library('recording');
  expect(await deleteAll(here.library, undefined)).toBe(false);
  const elsewhere = await library('kept');
  expect(await deleteAll(elsewhere.library, holding(recordingName('b')))).toBe(false);
  expect(elsewhere.library.recordings.value).toHaveLength(1);
});
