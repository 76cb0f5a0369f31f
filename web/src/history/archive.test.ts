import 'fake-indexeddb/auto';
import { strToU8, type Zippable, zipSync } from 'fflate';
import { expect, it } from 'vitest';
import { wavFile } from '../sound/wav';
import { type Answer, newAnswer, promptKey, TRANSCRIBE } from './answer';
import { exportArchive, importArchive } from './archive';
import { Library } from './library';
import { Store } from './store';
import { testAnswer, testRecording } from './test-records';

const SUMMARIZE = { task: 'summarize', language: null, words: 'Briefly, 短く' } as const;
const usage = { audioSeconds: 2, gpuSeconds: 0.5, usd: { answer: 0.001, waking: 0.002, idle: 0 } };

async function emptyLibrary(): Promise<Library> {
  return Library.load(await Store.open({ name: crypto.randomUUID() }));
}

/** A second and a half of noise, a file, and every state an answer can have. */
async function fullLibrary(): Promise<Library> {
  const library = await emptyLibrary();
  const pcm = [32_000, 16_000].map((bytes) => crypto.getRandomValues(new Uint8Array(bytes)).buffer);
  const recording = testRecording({ name: '<b>../x', seconds: 1.5 });
  const failure = { kind: 'busy', detail: 'later', retryAfter: 7 } as const;
  const states: Partial<Answer>[] = [
    { state: 'done', edited: 'mine', segments: [{ start: 0, end: 1, text: 'hello' }], notes: ['cut'], usage },
    { state: 'failed', text: '', partial: 'hel', failure },
    { state: 'waiting', text: '' },
    { state: 'sending', text: '', noSpeech: true },
  ];
  const answers = states.map((changes, index) => {
    const prompt = index === 0 ? TRANSCRIBE : { ...SUMMARIZE, words: `${index}` };
    return testAnswer({ prompt, key: promptKey(prompt), createdAt: index, ...changes });
  });
  await library.restore({ recording, audio: pcm, answers: [], parts: [] });
  for (const answer of answers) await library.putAnswer(answer);
  const file = testRecording({ id: 'b', name: '歌.m4a', sound: { type: 'audio/mp4' }, seconds: null });
  await library.restore({
    recording: file,
    audio: [new Uint8Array([1, 2, 3]).buffer],
    answers: [],
    parts: [],
  });
  await library.put(testRecording({ id: 'c', state: 'recording' }));
  return library;
}

async function bytesOf(library: Library, id: string): Promise<number[]> {
  const recording = library.get(id);
  if (!recording) throw new Error(`no ${id}`);
  return [...new Uint8Array(await (await library.audio(recording)).arrayBuffer())];
}

function zipOf(files: Zippable): Blob {
  return new Blob([zipSync(files).slice()]);
}

const index = (changes: object = {}): Uint8Array =>
  strToU8(JSON.stringify({ format: 'kikitori', version: 1, recordings: [], answers: [], ...changes }));

async function problem(zip: Blob, library?: Library): Promise<string> {
  const into = library ?? (await emptyLibrary());
  return importArchive(zip, into).then(
    () => 'none',
    (error) => error.message.trim(),
  );
}

it('brings everything back into an empty history, except what is being recorded', async () => {
  const before = await fullLibrary();
  const after = await emptyLibrary();
  const zip = await exportArchive(before);
  expect(zip.name).toMatch(/^kikitori-\d{4}-\d\d-\d\d\.zip$/);
  expect(await importArchive(zip, after)).toEqual({ added: 2, present: 0 });
  expect(after.recordings.value).toEqual(before.recordings.value.filter(({ id }) => id !== 'c'));
  // What was on its way is not on its way in another browser.
  const expected = before.answers.value.map((answer) =>
    answer.state === 'sending' ? { ...answer, state: 'waiting' } : answer,
  );
  expect(after.answers.value).toEqual(expected);
  expect(await bytesOf(after, 'a')).toEqual(await bytesOf(before, 'a'));
  expect(await bytesOf(after, 'b')).toEqual([1, 2, 3]);
});

it('adds nothing twice, and to a recording that is here only the answers that are missing', async () => {
  const library = await fullLibrary();
  const zip = await exportArchive(library);
  await library.change('a', { name: 'renamed' });
  await library.changeAnswer('a', promptKey(TRANSCRIBE), { edited: 'newer' });
  const dropped = promptKey({ ...SUMMARIZE, words: '1' });
  await library.dropAnswer('a', dropped);
  expect(await importArchive(zip, library)).toEqual({ added: 0, present: 2 });
  expect(library.get('a')?.name).toBe('renamed');
  expect(library.answer('a', promptKey(TRANSCRIBE))?.edited).toBe('newer');
  expect(library.answer('a', dropped)?.partial).toBe('hel');
});

it('gives another recording with the same id a new one', async () => {
  const library = await emptyLibrary();
  const other = new Int16Array(100).fill(7).buffer;
  await library.restore({ recording: testRecording(), audio: [other], answers: [], parts: [] });
  const zip = await exportArchive(await fullLibrary());
  expect(await importArchive(zip, library)).toEqual({ added: 2, present: 0 });
  expect(library.recordings.value).toHaveLength(3);
  expect((await bytesOf(library, 'a')).length).toBe(44 + 200);
  const added = library.recordings.value.find(({ name }) => name === '<b>../x');
  expect(library.answersOf(added?.id ?? '')).toHaveLength(4);
});

it('reads what another program has packed again', async () => {
  const recording = { ...testRecording(), file: 'audio/a.wav' };
  const wav = new Uint8Array(await wavFile([new ArrayBuffer(400)]).arrayBuffer());
  const zip = zipOf({
    'history.json': index({ recordings: [recording] }),
    'audio/a.wav': [wav, { level: 9 }],
  });
  const library = await emptyLibrary();
  expect(await importArchive(zip, library)).toEqual({ added: 1, present: 0 });
  expect((await bytesOf(library, 'a')).length).toBe(444);
});

it('says what is wrong with a file, and adds nothing of it', async () => {
  expect(await problem(new Blob([]))).toBe('not-an-archive');
  expect(await problem(new Blob(['a letter'.repeat(100)]))).toBe('not-an-archive');
  expect(await problem(zipOf({ 'other.json': index() }))).toBe('not-an-archive');
  expect(await problem(zipOf({ 'history.json': strToU8('{') }))).toBe('damaged history.json');
  expect(await problem(zipOf({ 'history.json': index({ version: 2 }) }))).toBe('damaged history.json');
  expect(await problem(zipOf({ 'history.json': index() }))).toBe('none');
  const recording = (changes: object = {}) => ({ ...testRecording(), file: 'audio/a.wav', ...changes });
  const wrong: object[] = [{ id: '../x' }, { createdAt: 'now' }, { createdAt: 1e300 }, { name: 1 }];
  for (const changes of wrong) {
    const zip = zipOf({ 'history.json': index({ recordings: [recording(changes)] }) });
    expect(await problem(zip)).toBe('damaged history.json');
  }
  const noWav = { 'history.json': index({ recordings: [recording()] }), 'audio/a.wav': strToU8('RIFF') };
  expect(await problem(zipOf(noWav))).toBe('damaged audio/a.wav');
  const answer = { ...newAnswer('a', TRANSCRIBE), usage: { gpuSeconds: 'much' } };
  expect(await problem(zipOf({ 'history.json': index({ answers: [answer] }) }))).toBe('damaged history.json');
});

it('leaves the history as it was when a later part is missing', async () => {
  const library = await emptyLibrary();
  const first = { ...testRecording(), sound: { type: '' }, file: 'audio/a' };
  const second = { ...testRecording({ id: 'b' }), file: 'audio/b.wav' };
  const files = { 'history.json': index({ recordings: [first, second] }), 'audio/a': strToU8('sound') };
  expect(await problem(zipOf(files), library)).toBe('damaged audio/b.wav');
  expect(library.recordings.value).toEqual([]);
});

it('takes no part of an archive that was cut anywhere', async () => {
  const zip = await exportArchive(await fullLibrary());
  const library = await emptyLibrary();
  for (let size = 0; size < zip.size; size += 1009) {
    expect(await problem(zip.slice(0, size), library)).not.toBe('none');
  }
  // Nor one whose beginning is lost, so that nothing is where the directory says.
  expect(await problem(zip.slice(100), library)).toMatch(/^(damaged|not-an-archive)/);
  expect(library.recordings.value).toEqual([]);
});
