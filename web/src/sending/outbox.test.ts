import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Answer, type Part, type Prompt, type Stretch, TRANSCRIBE } from '../history/answer';
import { Library } from '../history/library';
import { type Locks, Ownership } from '../history/ownership';
import type { Recording } from '../history/recording';
import { Store } from '../history/store';
import { testAnswer, testRecording } from '../history/test-records';
import type { Question, Reply, Service } from '../service/service';
import { type Failure, ServiceError } from '../service/service-error';
import type { WarmupSnapshot } from '../service/warmup';
import { SAMPLE_RATE } from '../sound/pcm';
import { Outbox } from './outbox';
import { Wakeup } from './wakeup';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  // Not `setImmediate`, by which the database works.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Ask = Service['ask'];

const { key } = testAnswer();
const SUMMARIZE: Prompt = { task: 'summarize', language: null, words: null };
const HEARD: Reply = {
  text: 'hello there',
  segments: [{ start: 0, end: 1, text: 'hello there' }],
  noSpeech: false,
  notes: [],
  seconds: 2,
  usage: null,
};
const READY: WarmupSnapshot = { status: 'ready', seconds: 1, phases: [], error: null };

interface Setting {
  recordings?: Recording[];
  answers?: Answer[];
  parts?: Part[];
  uploadBytes?: number;
  warmup?: () => Promise<WarmupSnapshot>;
  locks?: Locks;
  store?: Store;
}

async function outboxWith(ask: Ask, setting: Setting = {}) {
  const { recordings = [testRecording()], answers = [], parts = [], uploadBytes = 1e6 } = setting;
  const store = setting.store ?? (await Store.open());
  for (const recording of setting.store ? [] : recordings) {
    const audio = Array.from({ length: recording.seconds ?? 1 }, () => new ArrayBuffer(2 * SAMPLE_RATE));
    await store.restore({ recording, audio, answers: answers.filter(ofIt(recording)), parts });
  }
  const library = await Library.load(store);
  const failures: Failure[] = [];
  const warmup = vi.fn(setting.warmup ?? (async () => READY));
  const wakeup = new Wakeup({ warmup, warmupEvents: async function* () {} });
  const outbox = new Outbox({
    library,
    ownership: new Ownership(setting.locks),
    service: { ask },
    wakeup,
    model: {
      id: 'm',
      tasks: ['transcribe', 'summarize', 'chat'],
      prompts: { summarize: 'Summarize.' },
      languages: null,
      limits: { audioSeconds: 60, uploadBytes },
    },
    segmenter: everySecond,
    onUsage: () => {},
    onFailure: (_, failure) => failures.push(failure),
  });
  return { outbox, library, store, failures, wakeup, warmup };
}

function ofIt({ id }: Recording) {
  return ({ recording }: Answer) => recording === id;
}

/** Cuts after each second. */
function everySecond(from: number) {
  let cut = from;
  let end = from;
  const stretches = (step: number): Stretch[] => {
    const found: Stretch[] = [];
    while (end - cut >= step && end > cut) {
      found.push({ from: cut, to: Math.min(end, cut + SAMPLE_RATE) });
      cut = Math.min(end, cut + SAMPLE_RATE);
    }
    return found;
  };
  return {
    push: (pcm: Int16Array) => {
      end += pcm.length;
      return stretches(SAMPLE_RATE);
    },
    end: () => stretches(1)[0] ?? null,
  };
}

/** Questions that are answered when a test says so. */
function answering() {
  const open: {
    question: Question;
    answer: (reply?: Partial<Reply>) => void;
    fail: (error: unknown) => void;
  }[] = [];
  const ask: Ask = (question, _listening, signal) =>
    new Promise((resolve, reject) => {
      open.push({ question, answer: (reply) => resolve({ ...HEARD, ...reply }), fail: reject });
      signal.addEventListener('abort', () => reject(new ServiceError('aborted')));
    });
  return { open, ask };
}

function second(index: number): Stretch {
  return { from: index * SAMPLE_RATE, to: (index + 1) * SAMPLE_RATE };
}

it('sends a recording, shows its words as they come and keeps the answer', async () => {
  const sent: unknown[] = [];
  const { outbox, library, store } = await outboxWith(async ({ audio, ...question }, listening) => {
    sent.push({ ...question, size: audio.size });
    expect(library.answer('a', key)?.state).toBe('sending');
    listening.onUpload(0.5);
    listening.onUpload(1);
    listening.onText(' hello');
    listening.onText(' there');
    return HEARD;
  });
  const seen: string[] = [];
  outbox.progress.subscribe((all) => {
    const progress = all.get(`a ${key}`);
    seen.push(progress ? `${progress.status} ${progress.uploaded} ${progress.text}` : '-');
  });
  await outbox.ask('a', TRANSCRIBE);
  expect(sent).toEqual([
    { name: 'recording-1970-01-01T00-00-01.wav', route: 'transcriptions', words: '', size: 64_044 },
  ]);
  expect([...new Set(seen)]).toEqual([
    '-',
    'waiting 0 ',
    'waking 0 ',
    'uploading 0 ',
    'uploading 0.5 ',
    'hearing 1 ',
    'writing 1 hello',
    'writing 1 hello there',
    'waiting 1 hello there',
  ]);
  expect(seen.at(-1)).toBe('-');
  const { seconds: _, ...kept } = HEARD;
  expect(await store.answer('a', key)).toMatchObject({ state: 'done', failure: null, ...kept });
});

it('asks other prompts in words, each with an answer of its own', async () => {
  const { open, ask } = answering();
  const { outbox, library } = await outboxWith(ask);
  const all = Promise.all([outbox.ask('a', TRANSCRIBE), outbox.ask('a', SUMMARIZE)]);
  await until(() => open.length === 2);
  open[0]?.answer();
  open[1]?.answer({ text: 'Short.' });
  await all;
  expect(open[1]?.question).toMatchObject({ route: 'chat', words: 'Summarize.' });
  expect(library.answersOf('a').map(({ text }) => text)).toEqual(['hello there', 'Short.']);
});

it('sends a chosen file as it is, under its name, and learns its length', async () => {
  const file = testRecording({ name: '会議.m4a', sound: { type: 'audio/mp4' }, seconds: null });
  const { outbox, library } = await outboxWith(
    async ({ audio, name }) => {
      expect([name, audio.type, audio.size]).toEqual(['会議.m4a', 'audio/mp4', 32_000]);
      return { ...HEARD, seconds: 4.5 };
    },
    { recordings: [file] },
  );
  await outbox.ask('a', TRANSCRIBE);
  expect(library.get('a')?.seconds).toBe(4.5);
});

it('sends three at a time, and each once however often it is asked to', async () => {
  const { open, ask } = answering();
  const ids = ['a', 'b', 'c', 'd'];
  const { outbox, library } = await outboxWith(ask, { recordings: ids.map((id) => testRecording({ id })) });
  const all = Promise.all([...ids, ...ids].map((id) => outbox.ask(id, TRANSCRIBE)));
  await until(() => open.length === 3);
  open[0]?.answer();
  await until(() => open.length === 4);
  for (const { answer } of open) answer();
  await all;
  expect(open).toHaveLength(4);
  expect(library.answers.value.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done']);
});

it('tries six times again, always later, then waits for a person and keeps what had arrived', async () => {
  const at: number[] = [];
  let fails = true;
  const { outbox, library, failures, warmup } = await outboxWith(async (_question, { onText }) => {
    at.push(Date.now());
    onText('hel');
    if (fails) throw new ServiceError('cut');
    return HEARD;
  });
  const began = Date.now();
  const finished = outbox.ask('a', TRANSCRIBE);
  for (let tries = 1; tries < 7; tries++) {
    await until(() => at.length === tries && outbox.progress.value.get(`a ${key}`)?.status === 'pausing');
    expect(library.answer('a', key)).toMatchObject({ state: 'sending', failure: { kind: 'cut' } });
    vi.advanceTimersByTime(31_000 * 1.2);
  }
  await finished;
  expect(at).toHaveLength(7);
  expect(at[6]).toBeGreaterThan(began);
  expect(warmup).toHaveBeenCalledTimes(7); // anew before each try
  expect(failures.map(({ kind }) => kind)).toEqual(['cut']);
  expect(library.answer('a', key)).toMatchObject({ state: 'waiting', partial: 'hel', text: '' });
  vi.advanceTimersByTime(1e6);
  await settle();
  expect(at).toHaveLength(7);
  fails = false;
  await outbox.ask('a', TRANSCRIBE);
  expect(library.answer('a', key)).toMatchObject({ state: 'done', failure: null, partial: '' });
});

it('comes back exactly when the service asked for it, or at once where a person does not want to wait', async () => {
  let tries = 0;
  const { outbox, library } = await outboxWith(async () => {
    if (++tries < 3) throw new ServiceError('busy', { retryAfter: 100 });
    return HEARD;
  });
  const finished = outbox.ask('a', TRANSCRIBE);
  const pausing = () => outbox.progress.value.get(`a ${key}`);
  await until(() => pausing()?.status === 'pausing');
  expect(pausing()?.retryAt).toBe(Date.now() + 100_000);
  vi.advanceTimersByTime(99_999);
  await settle();
  expect(tries).toBe(1);
  vi.advanceTimersByTime(1);
  await until(() => tries === 2 && pausing()?.status === 'pausing');
  void outbox.ask('a', TRANSCRIBE);
  await finished;
  expect(library.answer('a', key)?.state).toBe('done');
});

it('sends nothing more where the key is refused, and all of it when it may', async () => {
  let key401 = true;
  let asked = 0;
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const { outbox, library, failures } = await outboxWith(
    async () => {
      asked++;
      if (key401) throw new ServiceError('unauthorized');
      return HEARD;
    },
    { recordings: ids.map((id) => testRecording({ id })) },
  );
  await Promise.all(ids.map((id) => outbox.ask(id, TRANSCRIBE)));
  expect(failures.every(({ kind }) => kind === 'unauthorized')).toBe(true);
  expect(library.answers.value.map(({ state }) => state)).toEqual(ids.map(() => 'waiting'));
  vi.advanceTimersByTime(1e6);
  await settle();
  expect(asked).toBeLessThanOrEqual(ids.length);
  key401 = false;
  outbox.sendWaiting();
  await until(() => library.answers.value.every(({ state }) => state === 'done'));
});

it('asks for no answer while nothing can be woken', async () => {
  let asked = 0;
  const { outbox, library } = await outboxWith(
    async () => {
      asked++;
      return HEARD;
    },
    { warmup: () => Promise.reject(new ServiceError('offline')) },
  );
  await outbox.ask('a', TRANSCRIBE);
  expect(asked).toBe(0);
  expect(library.answer('a', key)).toMatchObject({ state: 'waiting', failure: { kind: 'offline' } });
});

it('keeps the answer it has, and the edited one, when asking again fails or works', async () => {
  const had = { text: 'before', edited: 'Before!' };
  let fails = true;
  const { outbox, library } = await outboxWith(
    async () => {
      if (fails) throw new ServiceError('rejected', { detail: 'bad' });
      return HEARD;
    },
    { answers: [testAnswer(had)] },
  );
  await outbox.ask('a', TRANSCRIBE);
  expect(library.answer('a', key)).toMatchObject({ state: 'failed', ...had, failure: { detail: 'bad' } });
  fails = false;
  await outbox.ask('a', TRANSCRIBE);
  expect(library.answer('a', key)).toMatchObject({ state: 'done', text: 'hello there', edited: 'Before!' });
});

it('does not wake the service for a file that is larger than it takes', async () => {
  const { open, ask } = answering();
  const file = testRecording({ sound: { type: 'audio/mp4' } });
  const { outbox, failures, warmup } = await outboxWith(ask, { recordings: [file], uploadBytes: 4096 + 100 });
  await outbox.ask('a', TRANSCRIBE);
  expect(failures.map(({ kind }) => kind)).toEqual(['too-large']);
  expect(open).toEqual([]);
  expect(warmup).not.toHaveBeenCalled();
});

it('sends in parts what does not fit, and joins them', async () => {
  const { open, ask } = answering();
  const { outbox, library, store } = await outboxWith(ask, {
    recordings: [testRecording({ seconds: 3 })],
    uploadBytes: 4096 + 44 + 2 * 32_000,
  });
  const finished = outbox.ask('a', TRANSCRIBE);
  await until(() => open.length === 3);
  expect(open.map(({ question }) => question.audio.size)).toEqual([32_044, 32_044, 32_044]);
  expect(outbox.progress.value.get(`a ${key}`)).toMatchObject({ done: 0, of: 3 });
  open[2]?.answer({ text: 'three' });
  open[0]?.answer({ text: 'one' });
  await until(() => outbox.progress.value.get(`a ${key}`)?.done === 2);
  expect(outbox.progress.value.get(`a ${key}`)?.text).toBe('one');
  open[1]?.answer({ text: 'two' });
  await finished;
  expect(library.answer('a', key)).toMatchObject({ state: 'done', text: 'one two three' });
  expect(library.answer('a', key)?.segments?.map(({ start }) => start)).toEqual([0, 1, 2]);
  expect(await store.parts('a', key)).toEqual([]);
});

it('sends in parts what the service found too large', async () => {
  let asked = 0;
  const { outbox, library } = await outboxWith(async () => {
    if (asked++ === 0) throw new ServiceError('too-large');
    return { ...HEARD, text: `${asked}` };
  });
  await outbox.ask('a', TRANSCRIBE);
  expect(library.answer('a', key)).toMatchObject({ state: 'done', text: '2 3' });
});

it('sends after a crash only the parts that are missing, and what nobody had cut yet', async () => {
  const part = (index: number, reply: Reply | null): Part => ({
    recording: 'a',
    key,
    ...second(index),
    reply,
  });
  const sizes: number[] = [];
  const { outbox, library } = await outboxWith(
    async ({ audio }) => {
      sizes.push(audio.size);
      return { ...HEARD, text: `new${sizes.length}` };
    },
    {
      recordings: [testRecording({ seconds: 4 })],
      answers: [testAnswer({ state: 'waiting', text: '' })],
      parts: [part(0, { ...HEARD, text: 'kept' }), part(1, null)],
    },
  );
  await outbox.ask('a', TRANSCRIBE);
  expect(sizes).toEqual([32_044, 32_044, 32_044]);
  expect(library.answer('a', key)).toMatchObject({ state: 'done', text: 'kept new1 new2 new3' });
});

it('sends stretches while the recording is made, before everything else, and joins them after its end', async () => {
  const { open, ask } = answering();
  const others = ['b', 'c', 'd', 'e'].map((id) => testRecording({ id }));
  const { outbox, library, store } = await outboxWith(ask, {
    recordings: [testRecording({ seconds: 3, state: 'recording' }), ...others],
  });
  for (const { id } of others) void outbox.ask(id, TRANSCRIBE);
  await until(() => open.length === 3);
  const question = outbox.open('a', TRANSCRIBE);
  question.add(second(0));
  await until(() => (outbox.progress.value.get(`a ${key}`)?.status ?? '') === 'waiting');
  await settle();
  open[0]?.answer();
  await until(() => open.length === 4);
  expect(open[3]?.question.name).toContain('recording-');
  open[3]?.answer({ text: 'one' });
  await until(() => outbox.progress.value.get(`a ${key}`)?.text === 'one');
  expect(outbox.progress.value.get(`a ${key}`)?.of).toBeNull();
  for (const { answer } of open) answer();
  await until(() => open.length === 5);
  question.add(second(2));
  const closed = question.close();
  await until(() => open.length === 6);
  open[5]?.answer({ text: 'two' });
  await closed;
  expect(await store.answer('a', key)).toMatchObject({ state: 'done', text: 'one two' });
  expect(await store.parts('a', key)).toEqual([]);
  expect(library.answersOf('a')).toHaveLength(1);
});

it('keeps stretches that cannot be sent, and sends them when the recording ends', async () => {
  let down = true;
  let asked = 0;
  const { outbox, library, store, failures } = await outboxWith(
    async () => {
      asked++;
      if (down) throw new ServiceError('unauthorized');
      return { ...HEARD, text: `${asked}` };
    },
    { recordings: [testRecording({ seconds: 3, state: 'recording' })] },
  );
  const question = outbox.open('a', TRANSCRIBE);
  question.add(second(0));
  await until(() => asked === 1);
  await settle();
  question.add(second(1));
  question.add(second(2));
  await settle();
  expect(asked).toBe(1);
  expect(await store.parts('a', key)).toHaveLength(3);
  expect(failures).toEqual([]);
  down = false;
  await question.close();
  expect(asked).toBe(4);
  expect(library.answer('a', key)?.state).toBe('done');
});

it('calls a service anew that was too busy to wake up, or failed at it', async () => {
  for (const kind of ['busy', 'failed'] as const) {
    globalThis.indexedDB = new IDBFactory();
    let calls = 0;
    const { outbox, library } = await outboxWith(async () => HEARD, {
      warmup: async () => {
        if (++calls === 1) throw new ServiceError(kind);
        return READY;
      },
    });
    const finished = outbox.ask('a', TRANSCRIBE);
    await until(() => outbox.progress.value.get(`a ${key}`)?.status === 'pausing');
    vi.advanceTimersByTime(2000);
    await finished;
    expect(library.answer('a', key)?.state).toBe('done');
  }
});

it.each(['offline', 'key-missing'] as const)('goes on speaking though it began with: %s', async (kind) => {
  let shut = true;
  const { open, ask } = answering();
  const { outbox, library } = await outboxWith(ask, {
    recordings: [testRecording({ seconds: 3, state: 'recording' })],
    warmup: async () => {
      if (shut) throw new ServiceError(kind);
      return READY;
    },
  });
  const question = outbox.open('a', TRANSCRIBE);
  question.add(second(0));
  await until(() => outbox.progress.value.get(`a ${key}`)?.status === 'pausing');
  shut = false;
  outbox.sendWaiting(); // the network is back, or the key was typed
  await until(() => open.length === 1);
  question.add(second(1));
  await until(() => open.length === 2);
  for (const { answer } of open) answer();
  await question.close();
  expect(library.answer('a', key)?.state).toBe('done');
});

it('sends while somebody speaks again as soon as the service is back after a long while', async () => {
  let down = true;
  const { open, ask } = answering();
  const { outbox, library } = await outboxWith(ask, {
    recordings: [testRecording({ seconds: 3, state: 'recording' })],
    warmup: async () => {
      if (down) throw new ServiceError('unreachable');
      return READY;
    },
  });
  const question = outbox.open('a', TRANSCRIBE);
  question.add(second(0));
  const progress = () => outbox.progress.value.get(`a ${key}`);
  for (let tries = 0; tries < 6; tries++) {
    await until(() => (progress()?.retryAt ?? 0) > Date.now());
    vi.advanceTimersByTime(31_000 * 1.2);
  }
  await until(() => progress()?.status === 'pausing' && progress()?.retryAt === null);
  expect(library.answer('a', key)?.failure?.kind).toBe('unreachable');
  down = false;
  question.add(second(1));
  await until(() => open.length === 1);
  open[0]?.answer({ text: 'two' });
  await until(() => open.length === 2); // what had failed
  open[1]?.answer({ text: 'one' });
  await question.close();
  expect(library.answer('a', key)).toMatchObject({ state: 'done', text: 'one two' });
});

it('keeps the words of a recording that the browser could not keep whole', async () => {
  const { open, ask } = answering();
  const { outbox, library, store, failures } = await outboxWith(ask, {
    recordings: [testRecording({ state: 'recording' })],
  });
  const question = outbox.open('a', TRANSCRIBE);
  question.add(second(0));
  await until(() => open.length === 1);
  question.breakOff();
  open[0]?.answer();
  await until(() => outbox.progress.value.size === 0);
  expect(failures).toEqual([]); // who breaks it off tells why
  expect(library.answer('a', key)).toMatchObject({ state: 'failed', partial: 'hello there' });
  expect(await store.parts('a', key)).toMatchObject([{ reply: { text: 'hello there' } }]);
});

it('sends all of it where no stretch held speech', async () => {
  const { open, ask } = answering();
  const { outbox, library } = await outboxWith(ask, {
    recordings: [testRecording({ state: 'recording' })],
  });
  const question = outbox.open('a', TRANSCRIBE);
  await settle();
  const closed = question.close();
  await until(() => open.length === 1);
  expect(open[0]?.question.audio.size).toBe(64_044);
  open[0]?.answer({ text: '', noSpeech: true });
  await closed;
  expect(library.answer('a', key)).toMatchObject({ state: 'done', noSpeech: true });
});

it('gives up on request at every status, and leaves things as they were', async () => {
  const before = testAnswer({ recording: 'b', text: 'before' });
  const { open, ask } = answering();
  const ids = ['a', 'b', 'c', 'd'];
  const { outbox, library, failures, store } = await outboxWith(ask, {
    recordings: [
      ...ids.map((id) => testRecording({ id })),
      testRecording({ id: 'live', state: 'recording' }),
    ],
    answers: [before],
  });
  const all = ids.map((id) => outbox.ask(id, TRANSCRIBE));
  await until(() => open.length === 3);
  const question = outbox.open('live', TRANSCRIBE);
  question.add(second(0));
  await settle();
  open[0]?.fail(new ServiceError('busy'));
  await until(() => [...outbox.progress.value.values()].some(({ status }) => status === 'pausing'));
  question.abandon();
  for (const id of ids) outbox.cancel(id, key);
  expect(outbox.progress.value.size).toBeLessThanOrEqual(1);
  await Promise.all(all);
  await until(() => library.answersOf('live').length === 0);
  expect(library.answers.value).toEqual([before]);
  expect(await store.parts('live', key)).toEqual([]);
  expect(failures).toEqual([]);
  expect(outbox.progress.value.size).toBe(0);
  const tries = open.length;
  vi.advanceTimersByTime(1e6);
  await settle();
  expect(open).toHaveLength(tries);
});

it('does not bring a recording back that was deleted while it was sent, and undo brings it back settled', async () => {
  const { open, ask } = answering();
  const { outbox, library, store } = await outboxWith(ask);
  const finished = outbox.ask('a', TRANSCRIBE);
  await until(() => open.length === 1);
  outbox.cancel('a', key);
  const removed = await library.remove('a');
  await finished;
  expect(await store.contents()).toEqual({ recordings: [], answers: [] });
  if (!removed) throw new Error('nothing was handed over');
  await library.restore(removed);
  expect(await store.answer('a', key)).toMatchObject({ state: 'waiting' });
});

it('stores one answer though two tabs are asked, and both show it', async () => {
  const { open, ask } = answering();
  const held = new Map<string, Promise<unknown>>();
  const locks = {
    async request(name: string, options: LockOptions, run: (lock: unknown) => unknown) {
      if (options.ifAvailable && held.has(name)) return run(null);
      await held.get(name);
      const done = Promise.resolve(run({}));
      held.set(name, done);
      return done.finally(() => held.delete(name));
    },
  } as unknown as Locks;
  const first = await outboxWith(ask, { locks });
  const other = await outboxWith(ask, { locks, store: first.store });
  const finished = first.outbox.ask('a', TRANSCRIBE);
  await until(() => open.length === 1);
  await other.outbox.ask('a', TRANSCRIBE);
  open[0]?.answer();
  await finished;
  await until(() => other.library.answer('a', key)?.state === 'done');
  expect(open).toHaveLength(1);
});

it('says so where the answer cannot be kept, with the words on the page and the parts in the store', async () => {
  const { open, ask } = answering();
  const { outbox, library, store, failures } = await outboxWith(ask, {
    recordings: [testRecording({ state: 'recording' })],
  });
  const question = outbox.open('a', TRANSCRIBE);
  question.add(second(0));
  await until(() => open.length === 1);
  vi.spyOn(store, 'finish').mockRejectedValueOnce(new DOMException('full', 'QuotaExceededError'));
  open[0]?.answer();
  await question.close();
  expect(failures.map(({ kind }) => kind)).toEqual(['storage']);
  expect(library.answer('a', key)).toMatchObject({ state: 'failed', partial: 'hello there' });
  expect(await store.parts('a', key)).toHaveLength(1);
  await library.change('a', { state: 'kept', seconds: 1 });
  await outbox.ask('a', TRANSCRIBE);
  expect(open).toHaveLength(1); // it was answered already
  expect(library.answer('a', key)).toMatchObject({ state: 'done', text: 'hello there' });
});

async function settle(): Promise<void> {
  for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
}

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < 20_000; turns++) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it did not happen');
}
