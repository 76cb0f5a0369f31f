/** Sample rate of everything this page records, Hz: what speech models hear. */
export const SAMPLE_RATE = 16_000;
/** Bytes of one second of 16-bit mono. */
export const BYTES_PER_SECOND = SAMPLE_RATE * 2;

/** Collects samples in -1..1 into 16-bit chunks of one second, and stops taking them at a limit. */
export class PcmChunker {
  readonly #limit: number;
  #chunk = new Int16Array(SAMPLE_RATE);
  #filled = 0;
  #taken = 0;

  /** @param limit - most samples taken in all; what comes after is dropped */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Samples taken so far. */
  get taken(): number {
    return this.#taken;
  }

  get full(): boolean {
    return this.#taken >= this.#limit;
  }

  /** Returns the chunks that these samples completed, each a second long. */
  push(samples: Float32Array): ArrayBuffer[] {
    const complete: ArrayBuffer[] = [];
    for (const sample of samples) {
      if (this.full) break;
      this.#chunk[this.#filled++] = toInt16(sample);
      this.#taken++;
      if (this.#filled === this.#chunk.length) {
        complete.push(this.#chunk.buffer);
        this.#chunk = new Int16Array(SAMPLE_RATE);
        this.#filled = 0;
      }
    }
    return complete;
  }

  /** Returns the last chunk, shorter than a second, or null when nothing is left. */
  flush(): ArrayBuffer | null {
    if (this.#filled === 0) return null;
    const rest = this.#chunk.slice(0, this.#filled).buffer;
    this.#filled = 0;
    return rest;
  }
}

function toInt16(sample: number): number {
  // NaN, which a broken driver can deliver, becomes silence in an Int16Array; too loud is clipped.
  return Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
}
