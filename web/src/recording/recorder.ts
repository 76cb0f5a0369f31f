import type { CaptureMessage, CaptureOptions, CaptureOrder } from '../sound/capture';
import workletUrl from '../sound/capture.worklet?worker&url';
import { SAMPLE_RATE } from '../sound/pcm';

/**
 * Why a recording ended.
 * - `stopped`: the person stopped it
 * - `discarded`: the person does not want it
 * - `limit`: it reached the longest length
 * - `lost`: the microphone went away or gives no sound
 * - `interrupted`: the system took the sound, e.g. a call or a locked phone
 * - `hidden`: the page was left
 * - `storage`: the browser could not keep more
 */
export type EndReason = 'stopped' | 'discarded' | 'limit' | 'lost' | 'interrupted' | 'hidden' | 'storage';

/** How loud the last moment was. */
export interface Level {
  /** Root mean square, 0..1. */
  rms: number;
  /** Highest value, 0..1; exactly 0 comes from a microphone that is off. */
  peak: number;
  /** Length of the recording so far. */
  seconds: number;
}

export interface RecorderEvents {
  /** Up to a second of 16 kHz mono 16-bit PCM, in order. */
  chunk(pcm: ArrayBuffer): void;
  /** About 20 times a second, but not while paused. */
  level(level: Level): void;
  /** Comes exactly once, after the last chunk, when microphone and audio context are released. */
  end(reason: EndReason): void;
}

/** A microphone that is on but delivers nothing for this long counts as lost, ms. */
const SILENCE_MS = 5000;
/** How long the audio thread may take to hand out the rest, ms. A page being closed gets no answer. */
const REST_MS = 1000;

/** Records one microphone stream, from its start to its one and only teardown. */
export class Recorder {
  readonly #stream: MediaStream;
  readonly #events: RecorderEvents;
  readonly #context: AudioContext;
  readonly #listening = new AbortController();
  #nodes: { source: MediaStreamAudioSourceNode; capture: AudioWorkletNode } | null = null;
  #reason: EndReason | null = null;
  #paused = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #muted: ReturnType<typeof setTimeout> | undefined;
  #released = false;

  /**
   * Starts to record. The recorder owns the stream from here on and stops its tracks on every path.
   * @param maxSamples - longest length, in samples at 16 kHz
   * @throws whatever the browser throws when it cannot set up the audio graph; all is released then
   */
  static async start(stream: MediaStream, maxSamples: number, events: RecorderEvents): Promise<Recorder> {
    const recorder = new Recorder(stream, events);
    try {
      await recorder.#connect({ maxSamples });
    } catch (error) {
      recorder.#release();
      throw error;
    }
    return recorder;
  }

  private constructor(stream: MediaStream, events: RecorderEvents) {
    this.#stream = stream;
    this.#events = events;
    try {
      // At the device's own rate: Safari ignores another one and Firefox refuses it.
      this.#context = new AudioContext();
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      throw error;
    }
  }

  /** Ends the recording; `end` follows. Without effect once it is ending. */
  stop(reason: EndReason = 'stopped'): void {
    if (this.#reason || this.#released) return;
    this.#reason = reason;
    for (const track of this.#stream.getTracks()) track.stop();
    if (!this.#nodes) {
      this.#end();
      return;
    }
    this.#order('stop');
    this.#expect(REST_MS, () => this.#end());
  }

  /** Lets the microphone hear nothing until `resume`; what was heard stays. */
  pause(): void {
    if (this.#reason || this.#paused) return;
    this.#paused = true;
    clearTimeout(this.#timer);
    for (const track of this.#stream.getTracks()) track.enabled = false;
    this.#order('pause');
  }

  resume(): void {
    if (this.#reason || !this.#paused) return;
    this.#paused = false;
    for (const track of this.#stream.getTracks()) track.enabled = true;
    this.#order('resume');
    this.#expect(SILENCE_MS, () => this.stop('lost'));
  }

  async #connect(options: CaptureOptions): Promise<void> {
    const { signal } = this.#listening;
    const context = this.#context;
    for (const track of this.#stream.getTracks()) {
      track.addEventListener('ended', () => this.stop('lost'), { signal });
      // The system gives it silence, as during a call on a phone. A moment of that is no reason to end.
      const interrupt = (): void => this.stop('interrupted');
      track.addEventListener('mute', () => (this.#muted = setTimeout(interrupt, SILENCE_MS)), { signal });
      track.addEventListener('unmute', () => clearTimeout(this.#muted), { signal });
    }
    context.addEventListener(
      'statechange',
      () => {
        if ((context.state as string) === 'interrupted') this.stop('interrupted');
      },
      { signal },
    );
    addEventListener('pagehide', () => this.stop('hidden'), { signal });
    await context.audioWorklet.addModule(workletUrl);
    if (this.#reason) return;
    const source = context.createMediaStreamSource(this.#stream);
    const capture = new AudioWorkletNode(context, 'kikitori-capture', {
      numberOfOutputs: 0,
      // The graph mixes stereo microphones down.
      channelCount: 1,
      channelCountMode: 'explicit',
      processorOptions: options,
    });
    capture.port.onmessage = ({ data }: MessageEvent<CaptureMessage>) => this.#receive(data);
    capture.addEventListener('processorerror', () => this.stop('lost'), { signal });
    source.connect(capture);
    this.#nodes = { source, capture };
    this.#expect(SILENCE_MS, () => this.stop('lost'));
    // Not awaited: a context that never resumes is what the timer above is for.
    void context.resume().catch(() => {});
  }

  #receive(message: CaptureMessage): void {
    if (message.type === 'chunk') this.#events.chunk(message.pcm);
    if (message.type === 'level') {
      // One that was on its way when the pause began.
      if (this.#paused) return;
      if (!this.#reason) this.#expect(SILENCE_MS, () => this.stop('lost'));
      const { rms, peak, samples } = message;
      this.#events.level({ rms, peak, seconds: samples / SAMPLE_RATE });
    }
    if (message.type === 'end') {
      if (message.limit) this.#reason ??= 'limit';
      this.#end();
    }
  }

  #order(order: CaptureOrder): void {
    this.#nodes?.capture.port.postMessage(order);
  }

  #expect(milliseconds: number, otherwise: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(otherwise, milliseconds);
  }

  #end(): void {
    if (this.#released) return;
    this.#release();
    this.#events.end(this.#reason ?? 'stopped');
  }

  #release(): void {
    this.#released = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#muted);
    this.#listening.abort();
    for (const track of this.#stream.getTracks()) track.stop();
    if (this.#nodes) {
      this.#nodes.capture.port.onmessage = null;
      this.#nodes.source.disconnect();
      this.#nodes = null;
    }
    void this.#context.close().catch(() => {});
  }
}
