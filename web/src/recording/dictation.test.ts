import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Library } from '../history/library';
import { Ownership } from '../history/ownership';
import { Store } from '../history/store';
import { Observable } from '../page/observable';
import { BYTES_PER_SECOND } from '../sound/pcm';
import { type Companion, Dictation } from './dictation';
import { type EndReason, Recorder, type RecorderEvents } from './recorder';

let events: RecorderEvents;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  const track = { label: 'Desk', stop: () => {} };
  const stream = { getTracks: () => [track], getAudioTracks: () => [track] };
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia: async () => stream } });
  const document = new EventTarget();
  vi.stubGlobal('document', Object.assign(document, { visibilityState: 'hidden' }));
  // Node has no audio graph; what the recorder makes of it has its own tests.
  vi.spyOn(Recorder, 'start').mockImplementation(async (_stream, _maxSamples, told) => {
    events = told;
    return {
      stop: (reason: EndReason) => queueMicrotask(() => told.end(reason)),
      pause: () => {},
      resume: () => {},
    } as unknown as Recorder;
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function dictating() {
  const store = await Store.open();
  const library = await Library.load(store);
  const told: string[] = [];
  const undo: (() => Promise<void>)[] = [];
  const companion: Companion = {
    stored: (pcm) => told.push(`stored ${pcm.byteLength}`),
    end: () => told.push('end'),
    breakOff: () => told.push('break off'),
    abandon: () => told.push('abandon'),
  };
  const dictation = new Dictation({
    library,
    ownership: new Ownership(undefined),
    maxSamples: new Observable(1e9),
    microphone: () => null,
    onGranted: () => {
      told.push('wanted');
      return () => told.push('let go');
    },
    onOther: () => told.push('other'),
    onBegin: () => companion,
    onProblem: (problem) => told.push(problem),
    onEnd: (recording, reason) => told.push(`${reason} ${recording?.seconds}`),
    onDiscard: (bringBack) => undo.push(bringBack),
  });
  dictation.toggle();
  await dictation.state.when((state) => state === 'recording');
  return { dictation, library, store, told, undo };
}

const second = () => new ArrayBuffer(BYTES_PER_SECOND);

it('tells its companion each second when it is stored, and the end', async () => {
  const { dictation, library, store, told } = await dictating();
  events.chunk(second());
  events.chunk(new ArrayBuffer(8000));
  dictation.toggle();
  await dictation.state.when((state) => state === 'idle');
  expect(told).toEqual(['wanted', 'stored 32000', 'stored 8000', 'end', 'stopped 1.25', 'let go']);
  const [recording] = library.recordings.value;
  expect(recording?.state).toBe('kept');
  expect(await store.samples(recording?.id ?? '')).toBe(20_000);
});

it('wants the service anew after a pause, and can be stopped from there', async () => {
  const { dictation, told } = await dictating();
  events.chunk(second());
  dictation.togglePause();
  expect(dictation.state.value).toBe('paused');
  dictation.togglePause();
  expect(dictation.state.value).toBe('recording');
  expect(told.slice(0, 3)).toEqual(['wanted', 'wanted', 'let go']);
  dictation.togglePause();
  dictation.toggle();
  await dictation.state.when((state) => state === 'idle');
  expect(told.slice(-2)).toEqual(['stopped 1', 'let go']);
});

it('throws away what is discarded, until that is undone', async () => {
  const { dictation, library, store, told, undo } = await dictating();
  events.chunk(second());
  dictation.discard();
  await dictation.state.when((state) => state === 'idle');
  expect(told).toEqual(['wanted', 'stored 32000', 'abandon', 'let go']);
  expect(await store.contents()).toEqual({ recordings: [], answers: [] });
  await undo[0]?.();
  expect(library.recordings.value).toMatchObject([{ state: 'kept', seconds: 1 }]);
  expect(await store.samples(library.recordings.value[0]?.id ?? '')).toBe(16_000);
});

it('does not wait for a disk that has come more than 10 s behind', async () => {
  const { dictation, library, told } = await dictating();
  let store = (): void => {};
  vi.spyOn(library, 'append').mockImplementation(() => new Promise((resolve) => (store = resolve)));
  for (let seconds = 0; seconds < 10; seconds++) events.chunk(second());
  await vi.waitFor(() => expect(library.append).toHaveBeenCalled());
  expect(dictation.state.value).toBe('recording');
  events.chunk(second());
  await dictation.state.when((state) => state === 'stopping');
  store();
  await dictation.state.when((state) => state === 'idle');
  expect(library.append).toHaveBeenCalledOnce();
  expect(told.slice(-2)).toEqual(['storage 1', 'let go']);
});

it('keeps what is stored when the disk is full', async () => {
  const { dictation, library, told } = await dictating();
  events.chunk(second());
  await vi.waitFor(() => expect(told).toContain('stored 32000'));
  vi.spyOn(library, 'append').mockRejectedValue(new DOMException('full', 'QuotaExceededError'));
  events.chunk(second());
  await dictation.state.when((state) => state === 'stopping');
  await dictation.state.when((state) => state === 'idle');
  expect(told.slice(-3)).toEqual(['end', 'storage 1', 'let go']);
});
