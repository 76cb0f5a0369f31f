/** Attenuation the filter is designed for, dB: 20 dB better than what is promised and tested. */
const ATTENUATION_DB = 80;
/** Width of the filter's slope, as a share of the lower of the two Nyquist frequencies (8 kHz: 7.2 to 8 kHz). */
const TRANSITION = 0.1;

/**
 * Changes the rate of a mono signal while it arrives: polyphase windowed sinc (Kaiser).
 *
 * Sample m of the output stands for the time m / outputRate of the input, so the filter's delay is
 * compensated; n samples in give ceil(n * outputRate / inputRate) samples out once `flush` was called.
 * How the input is cut into blocks does not change the output.
 */
export class Resampler {
  /** Reduced ratio outputRate / inputRate. */
  readonly #up: number;
  readonly #down: number;
  /** Taps on either side of an output's time, in input samples. */
  readonly #reach: number;
  /** Row p holds the taps for outputs that lie p / up of an input sample after an input sample. */
  readonly #taps: Float32Array;
  /** The input still needed, of which `#held` samples are valid; zeros stand for the time before the start. */
  #input: Float32Array;
  #held: number;
  /** Where in `#input` the sample at or just before the next output's time lies, and how far past it. */
  #position: number;
  #phase = 0;
  #received = 0;
  #produced = 0;

  /**
   * @param inputRate - whole Hz, e.g. `AudioContext.sampleRate`
   * @param outputRate - whole Hz
   * @throws {RangeError} for a rate that is not a whole number above 0
   */
  constructor(inputRate: number, outputRate: number) {
    for (const rate of [inputRate, outputRate]) {
      if (!Number.isInteger(rate) || rate <= 0) throw new RangeError(`Not a sample rate: ${rate}`);
    }
    const divisor = greatestCommonDivisor(inputRate, outputRate);
    this.#up = outputRate / divisor;
    this.#down = inputRate / divisor;
    const nyquist = Math.min(inputRate, outputRate) / 2;
    const cutoff = (nyquist * (1 - TRANSITION / 2)) / inputRate;
    const slope = (nyquist * TRANSITION) / inputRate;
    // Kaiser's estimate of the length a slope and an attenuation need. Equal rates need no filter at all.
    this.#reach =
      this.#up === this.#down ? 1 : Math.ceil((ATTENUATION_DB - 7.95) / (2.285 * 2 * Math.PI * slope) / 2);
    this.#taps =
      this.#up === this.#down ? new Float32Array([1, 0]) : polyphase(this.#up, this.#reach, cutoff);
    this.#held = this.#position = this.#reach - 1;
    this.#input = new Float32Array(this.#reach * 4 + 4096);
  }

  /** Takes any number of samples, also none, and returns the output that they complete. */
  push(block: Float32Array): Float32Array {
    this.#received += block.length;
    this.#append(block);
    return this.#produce(Number.POSITIVE_INFINITY);
  }

  /** Returns the rest, with silence after the end. The resampler is used up then. */
  flush(): Float32Array {
    const total = Math.ceil((this.#received * this.#up) / this.#down);
    this.#append(new Float32Array(this.#reach + 1));
    return this.#produce(total - this.#produced);
  }

  #append(block: Float32Array): void {
    const spent = this.#position - (this.#reach - 1);
    if (this.#held + block.length > this.#input.length) {
      const kept = this.#input.subarray(spent, this.#held);
      const size = Math.max(this.#input.length, (kept.length + block.length) * 2);
      const next = size === this.#input.length ? this.#input : new Float32Array(size);
      next.set(kept); // TypedArray.set copes with a source that overlaps its target
      this.#input = next;
      this.#held -= spent;
      this.#position -= spent;
    }
    this.#input.set(block, this.#held);
    this.#held += block.length;
  }

  #produce(atMost: number): Float32Array {
    // The next output needs the samples up to `reach` after its position.
    const ready = this.#held - this.#reach - this.#position;
    const possible = ready <= 0 ? 0 : Math.ceil((ready * this.#up - this.#phase) / this.#down);
    const output = new Float32Array(Math.max(0, Math.min(possible, atMost)));
    const width = this.#reach * 2;
    for (let index = 0; index < output.length; index++) {
      const first = this.#position - this.#reach + 1;
      const row = this.#phase * width;
      let sum = 0;
      for (let tap = 0; tap < width; tap++) {
        sum += (this.#input[first + tap] as number) * (this.#taps[row + tap] as number);
      }
      output[index] = sum;
      this.#phase += this.#down;
      this.#position += Math.floor(this.#phase / this.#up);
      this.#phase %= this.#up;
    }
    this.#produced += output.length;
    return output;
  }
}

function polyphase(up: number, reach: number, cutoff: number): Float32Array {
  const width = reach * 2;
  const taps = new Float32Array(up * width);
  const beta = 0.1102 * (ATTENUATION_DB - 8.7);
  const norm = besselI0(beta);
  for (let phase = 0; phase < up; phase++) {
    const row = new Float64Array(width);
    let sum = 0;
    for (let tap = 0; tap < width; tap++) {
      const distance = tap - reach + 1 - phase / up;
      const along = distance / reach;
      const window = Math.abs(along) >= 1 ? 0 : besselI0(beta * Math.sqrt(1 - along * along)) / norm;
      row[tap] = sinc(2 * cutoff * distance) * window;
      sum += row[tap] as number;
    }
    // Every phase passes a constant unchanged; otherwise the phases would differ by a faint tone.
    for (let tap = 0; tap < width; tap++) taps[phase * width + tap] = (row[tap] as number) / sum;
  }
  return taps;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
