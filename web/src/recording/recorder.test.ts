import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { CaptureMessage, CaptureOrder } from '../sound/capture';
import { type EndReason, Recorder } from './recorder';

class FakeTrack extends EventTarget {
  readyState = 'live';
  enabled = true;
  stop(): void {
    this.readyState = 'ended'; // as in browsers, no `ended` event for one's own stop
  }
}

class FakePort {
  onmessage: ((event: { data: CaptureMessage }) => void) | null = null;
  /** What the audio thread does when it is told to stop. */
  onStop = () => this.say({ type: 'end', limit: false });
  say(data: CaptureMessage): void {
    this.onmessage?.({ data });
  }
  postMessage(order: CaptureOrder): void {
    if (order === 'stop') queueMicrotask(() => this.onStop());
  }
}

class FakeNode extends EventTarget {
  readonly port = new FakePort();
  constructor() {
    super();
    node = this;
  }
}

class FakeContext extends EventTarget {
  state = 'suspended';
  audioWorklet = { addModule: async () => {} };
  constructor() {
    super();
    context = this;
  }
  createMediaStreamSource() {
    return { connect: () => {}, disconnect: () => {} };
  }
  async resume(): Promise<void> {
    this.state = 'running';
  }
  async close(): Promise<void> {
    if (this.state === 'closed') throw new Error('closed twice');
    this.state = 'closed';
  }
}

let node: FakeNode;
let context: FakeContext;
let page: EventTarget;
let track: FakeTrack;

beforeEach(() => {
  vi.useFakeTimers();
  page = new EventTarget();
  track = new FakeTrack();
  vi.stubGlobal('AudioContext', FakeContext);
  vi.stubGlobal('AudioWorkletNode', FakeNode);
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function recording() {
  const ended: EndReason[] = [];
  const chunks: number[] = [];
  const stream = { getTracks: () => [track] } as unknown as MediaStream;
  const recorder = await Recorder.start(stream, 1e6, {
    chunk: (pcm) => chunks.push(pcm.byteLength),
    level: () => {},
    end: (reason) => ended.push(reason),
  });
  return { recorder, ended, chunks };
}

function expectReleased(): void {
  expect(track.readyState).toBe('ended');
  expect(context.state).toBe('closed');
  expect(vi.getTimerCount()).toBe(0);
}

const WAYS: [EndReason, (recorder: Recorder) => void][] = [
  ['stopped', (recorder) => recorder.stop()],
  ['storage', (recorder) => recorder.stop('storage')],
  ['limit', () => node.port.say({ type: 'end', limit: true })],
  ['lost', () => track.dispatchEvent(new Event('ended'))],
  ['lost', () => node.dispatchEvent(new Event('processorerror'))],
  ['lost', () => vi.advanceTimersByTime(5000)],
  [
    'interrupted',
    () => {
      track.dispatchEvent(new Event('mute'));
      vi.advanceTimersByTime(4000);
      node.port.say({ type: 'level', rms: 0, peak: 0, samples: 0 });
      vi.advanceTimersByTime(1000);
    },
  ],
  ['hidden', () => page.dispatchEvent(new Event('pagehide'))],
  [
    'interrupted',
    () => {
      context.state = 'interrupted';
      context.dispatchEvent(new Event('statechange'));
    },
  ],
];

it.each(WAYS)('ends once and releases everything: %s', async (reason, end) => {
  const { recorder, ended } = await recording();
  end(recorder);
  end(recorder);
  await vi.advanceTimersByTimeAsync(0);
  recorder.stop();
  expect(ended).toEqual([reason]);
  expectReleased();
  // Nothing listens any more.
  track.dispatchEvent(new Event('ended'));
  page.dispatchEvent(new Event('pagehide'));
  node.port.say({ type: 'chunk', pcm: new ArrayBuffer(2) });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(ended).toEqual([reason]);
});

it('takes the rest before it ends, with the microphone off already', async () => {
  const { recorder, ended, chunks } = await recording();
  node.port.onStop = () => {
    expect(track.readyState).toBe('ended');
    node.port.say({ type: 'chunk', pcm: new ArrayBuffer(8) });
    node.port.say({ type: 'end', limit: false });
  };
  recorder.stop();
  await vi.advanceTimersByTimeAsync(0);
  expect(chunks).toEqual([8]);
  expect(ended).toEqual(['stopped']);
});

it('does not wait for ever for an audio thread that does not answer', async () => {
  const { recorder, ended } = await recording();
  node.port.onStop = () => {};
  recorder.stop();
  await vi.advanceTimersByTimeAsync(1000);
  expect(ended).toEqual(['stopped']);
  expectReleased();
});

it('goes on while sound arrives, however long', async () => {
  const { ended } = await recording();
  for (let second = 0; second < 20; second++) {
    vi.advanceTimersByTime(1000);
    node.port.say({ type: 'level', rms: 0, peak: 0, samples: second });
  }
  expect(ended).toEqual([]);
});

it('releases everything when the audio graph cannot be set up', async () => {
  vi.stubGlobal(
    'AudioContext',
    class extends FakeContext {
      override audioWorklet = { addModule: () => Promise.reject(new Error('blocked')) };
    },
  );
  await expect(recording()).rejects.toThrow('blocked');
  expectReleased();
});

it('hears nothing while it is paused, for as long as it takes, and is lost again after', async () => {
  const { recorder, ended } = await recording();
  recorder.pause();
  expect(track.enabled).toBe(false);
  node.port.say({ type: 'level', rms: 0.1, peak: 0.1, samples: 1 }); // it was on its way
  await vi.advanceTimersByTimeAsync(3600_000);
  expect(ended).toEqual([]);
  recorder.resume();
  expect(track.enabled).toBe(true);
  await vi.advanceTimersByTimeAsync(5000);
  expect(ended).toEqual(['lost']);
  expectReleased();
});

it('can be stopped while it is paused', async () => {
  const { recorder, ended } = await recording();
  recorder.pause();
  recorder.stop('discarded');
  await vi.advanceTimersByTimeAsync(0);
  expect(ended).toEqual(['discarded']);
  expectReleased();
});

it('goes on when the system took the microphone for a moment only', async () => {
  const { ended } = await recording();
  track.dispatchEvent(new Event('mute'));
  vi.advanceTimersByTime(4000);
  track.dispatchEvent(new Event('unmute'));
  node.port.say({ type: 'level', rms: 0, peak: 0, samples: 0 });
  vi.advanceTimersByTime(4000);
  expect(ended).toEqual([]);
});
