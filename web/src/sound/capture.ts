import { PcmChunker, SAMPLE_RATE } from './pcm';
import { Resampler } from './resampler';

/** What the capture says to the page while it runs. */
export type CaptureMessage =
  /** Up to a second of 16 kHz mono, 16-bit, in the machine's byte order (little-endian everywhere). */
  | { type: 'chunk'; pcm: ArrayBuffer }
  /** Root mean square and highest value of the last moment in 0..1, and the samples taken so far at 16 kHz. */
  | { type: 'level'; rms: number; peak: number; samples: number }
  /** Nothing follows. `limit`: the longest length was reached. */
  | { type: 'end'; limit: boolean };

/** What the page says to the capture. */
export type CaptureOrder = 'pause' | 'resume' | 'stop';

/** Options of the capture, as they travel to the worklet. */
export interface CaptureOptions {
  /** Most samples at 16 kHz. */
  maxSamples: number;
}

/** How often the level is told, per second. */
const LEVELS_PER_SECOND = 20;

/** From blocks of microphone samples at any rate to chunks of PCM and levels. Knows nothing of audio nodes. */
export class Capture {
  readonly #post: (message: CaptureMessage) => void;
  readonly #resampler: Resampler;
  readonly #chunker: PcmChunker;
  readonly #levelBlock: number;
  #squares = 0;
  #peak = 0;
  #measured = 0;
  #paused = false;
  #ended = false;

  constructor(inputRate: number, options: CaptureOptions, post: (message: CaptureMessage) => void) {
    this.#post = post;
    this.#resampler = new Resampler(inputRate, SAMPLE_RATE);
    this.#chunker = new PcmChunker(options.maxSamples);
    this.#levelBlock = inputRate / LEVELS_PER_SECOND;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Takes a block of samples at the input rate; an empty one (Safari's first) is fine. */
  push(block: Float32Array): void {
    if (this.#ended || this.#paused) return;
    this.#take(this.#resampler.push(block));
    this.#measure(block);
    if (this.#chunker.full) this.#end();
  }

  obey(order: CaptureOrder): void {
    if (order === 'stop') this.#stop();
    else this.#paused = order === 'pause';
  }

  /** Hands out what is left and ends; nothing is taken any more. */
  #stop(): void {
    if (this.#ended) return;
    this.#take(this.#resampler.flush());
    this.#end();
  }

  #take(samples: Float32Array): void {
    for (const pcm of this.#chunker.push(samples)) this.#post({ type: 'chunk', pcm });
  }

  #measure(block: Float32Array): void {
    for (const sample of block) {
      this.#squares += sample * sample;
      this.#peak = Math.max(this.#peak, Math.abs(sample));
    }
    this.#measured += block.length;
    if (this.#measured < this.#levelBlock) return;
    const rms = Math.sqrt(this.#squares / this.#measured);
    this.#post({ type: 'level', rms, peak: this.#peak, samples: this.#chunker.taken });
    this.#squares = this.#peak = this.#measured = 0;
  }

  #end(): void {
    this.#ended = true;
    const rest = this.#chunker.flush();
    if (rest) this.#post({ type: 'chunk', pcm: rest });
    this.#post({ type: 'end', limit: this.#chunker.full });
  }
}
