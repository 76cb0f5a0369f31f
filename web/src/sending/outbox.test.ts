import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { beforeEach, expect, it } from 'vitest';
import type { Answer } from '../history/answer';
import { Library } from '../history/library';
import { Ownership } from '../history/ownership';
import type { Recording } from '../history/recording';
import { Store } from '../history/store';
import { testAnswer, testRecording } from '../history/test-records';
import type { Transcript } from '../service/service';
import { type Failure, ServiceError } from '../service/service-error';
import { Outbox } from './outbox';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

type Transcribe = (
  audio: Blob,
  name: string,
  onDelta: (text: string) => void,
  signal: AbortSignal,
) => Promise<Transcript>;

const { key } = testAnswer();
const HEARD: Transcript = { text: 'hello there', noSpeech: false, seconds: 4.5 };

async function outboxWith(
  transcribe: Transcribe,
  recordings: Recording[] = [testRecording()],
  { answers = [], uploadBytes = 1e6 }: { answers?: Answer[]; uploadBytes?: number } = {},
) {
  const store = await Store.open();
  for (const recording of recordings) {
    await store.restore({ recording, audio: [new ArrayBuffer(100)], answers, parts: [] });
  }
  const library = await Library.load(store);
  const failures: Failure[] = [];
  const wanted = { now: 0, ever: 0 };
  const outbox = new Outbox({
    library,
    ownership: new Ownership(undefined),
    service: { transcribe },
    limits: { audioSeconds: 60, uploadBytes },
    onSending: () => {
      wanted.now++;
      wanted.ever++;
      return () => wanted.now--;
    },
    onFailure: (_, failure) => failures.push(failure),
  });
  return { outbox, library, store, failures, wanted };
}

it('sends a recording, shows its words as they come and keeps the transcript', async () => {
  const sent: { name: string; size: number }[] = [];
  const { outbox, library, store, wanted } = await outboxWith(async (audio, name, onDelta) => {
    sent.push({ name, size: audio.size });
    expect(library.answer('a', key)?.state).toBe('sending');
    expect(wanted.now).toBe(1);
    onDelta(' hello');
    onDelta(' there');
    return HEARD;
  });
  const seen: string[] = [];
  outbox.progress.subscribe((progress) => progress && seen.push(`${progress.status}:${progress.text}`));
  await outbox.send('a');
  expect(sent).toEqual([{ name: 'recording-1970-01-01T00-00-01.wav', size: 144 }]);
  expect(seen).toEqual(['waiting:', 'streaming:hello', 'streaming:hello there', 'done:hello there']);
  const done = { state: 'done', text: 'hello there', noSpeech: false, failure: null };
  expect(library.answer('a', key)).toMatchObject(done);
  expect(await store.answer('a', key)).toMatchObject(done);
  expect(await store.recording('a')).toEqual(testRecording());
  expect(wanted).toEqual({ now: 0, ever: 1 });
});

it('sends a chosen file as it is, under its name, and learns its length', async () => {
  const file = testRecording({ name: '会議.m4a', sound: { type: 'audio/mp4' }, seconds: null });
  const { outbox, library } = await outboxWith(
    async (audio, name) => {
      expect([name, audio.type, audio.size]).toEqual(['会議.m4a', 'audio/mp4', 100]);
      return HEARD;
    },
    [file],
  );
  await outbox.send('a');
  expect(library.answer('a', key)?.state).toBe('done');
  expect(library.get('a')?.seconds).toBe(4.5);
});

it('keeps the recording, the reason and what had arrived when the answer breaks off', async () => {
  let times = 0;
  const { outbox, library, failures, wanted } = await outboxWith(async (_audio, _name, onDelta) => {
    if (++times === 2) return HEARD;
    onDelta('hel');
    throw new ServiceError('cut');
  });
  await outbox.send('a');
  expect(failures.map(({ kind }) => kind)).toEqual(['cut']);
  expect(library.answer('a', key)).toMatchObject({
    state: 'failed',
    failure: { kind: 'cut' },
    partial: 'hel',
    text: '',
  });
  expect(outbox.progress.value).toMatchObject({ status: 'failed', text: 'hel' });
  await outbox.send('a');
  expect(library.answer('a', key)).toMatchObject({ state: 'done', failure: null, partial: '' });
  expect(wanted).toEqual({ now: 0, ever: 2 });
});

it('does not lose the transcript it has when sending again fails', async () => {
  const had = { text: 'before', edited: 'Before!' };
  const { outbox, library } = await outboxWith(
    () => Promise.reject(new ServiceError('busy', { retryAfter: 5 })),
    [testRecording()],
    { answers: [testAnswer(had)] },
  );
  await outbox.send('a');
  expect(library.answer('a', key)).toMatchObject({
    state: 'failed',
    ...had,
    failure: { kind: 'busy', retryAfter: 5 },
  });
});

it('does not upload what is larger than the service takes', async () => {
  let calls = 0;
  const count: Transcribe = async () => {
    calls++;
    return HEARD;
  };
  const { outbox, failures } = await outboxWith(count, [testRecording()], { uploadBytes: 4096 + 143 });
  await outbox.send('a');
  expect(failures.map(({ kind }) => kind)).toEqual(['too-large']);
  expect(calls).toBe(0);
});

it('sends one after the other, and each once however often it is asked to', async () => {
  const open: ((transcript: Transcript) => void)[] = [];
  const { outbox, library } = await outboxWith(
    () => new Promise((resolve) => open.push(resolve)),
    [testRecording({ id: 'a' }), testRecording({ id: 'b' })],
  );
  const finished = outbox.send('a');
  outbox.send('b');
  outbox.send('b');
  await until(() => open.length === 1 && library.answer('b', key)?.state === 'sending');
  outbox.send('a');
  open[0]?.(HEARD);
  await until(() => open.length === 2);
  open[1]?.(HEARD);
  await finished;
  expect(open).toHaveLength(2);
  expect(library.answers.value.map(({ state }) => state)).toEqual(['done', 'done']);
});

it('gives up on request, waiting or under way, and keeps both as they were', async () => {
  const hanging: Transcribe = (_audio, _name, _onDelta, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new ServiceError('aborted')));
    });
  const before = testAnswer({ recording: 'b', text: 'before' });
  const { outbox, library, failures } = await outboxWith(
    hanging,
    [testRecording({ id: 'a' }), testRecording({ id: 'b' })],
    { answers: [before] },
  );
  const finished = outbox.send('a');
  outbox.send('b');
  await until(() => outbox.progress.value?.id === 'a' && library.answer('b', key)?.state === 'sending');
  outbox.cancel('b');
  outbox.cancel('a');
  await finished;
  expect(library.answers.value).toEqual([before]);
  expect(failures).toEqual([]);
  expect(outbox.progress.value).toBeNull();
});

it('does not bring a recording back that was deleted while it was sent, and undo brings it back settled', async () => {
  const hanging: Transcribe = (_audio, _name, _onDelta, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new ServiceError('aborted')));
    });
  const { outbox, library, store } = await outboxWith(hanging);
  const finished = outbox.send('a');
  await until(() => outbox.progress.value?.id === 'a');
  outbox.cancel('a');
  const removed = await library.remove('a');
  await finished;
  expect(library.recordings.value).toEqual([]);
  expect(await store.contents()).toEqual({ recordings: [], answers: [] });
  if (!removed) throw new Error('nothing was handed over');
  await library.restore(removed);
  expect(await store.answer('a', key)).toMatchObject({ state: 'waiting' });
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 2000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
