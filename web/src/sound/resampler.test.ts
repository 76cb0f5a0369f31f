import { describe, expect, it } from 'vitest';
import { Resampler } from './resampler';

const OUT = 16_000;

/** Runs a whole signal through, cut into blocks of the lengths that `nextLength` gives. */
function resample(input: Float32Array, rate: number, nextLength: () => number = () => 128): Float32Array {
  const resampler = new Resampler(rate, OUT);
  const parts: number[] = [];
  for (let at = 0; at < input.length; ) {
    const length = nextLength();
    parts.push(...resampler.push(input.subarray(at, at + length)));
    at += length;
  }
  parts.push(...resampler.flush());
  return Float32Array.from(parts);
}

function sine(frequency: number, rate: number, samples: number): Float32Array {
  return Float32Array.from(
    { length: samples },
    (_, n) => 0.8 * Math.sin((2 * Math.PI * frequency * n) / rate),
  );
}

/** A sine whose frequency rises steadily from `from` to `to` Hz in `seconds`. */
function sweep(from: number, to: number, seconds: number, rate: number): Float32Array {
  return Float32Array.from({ length: Math.round(seconds * rate) }, (_, n) => {
    const t = n / rate;
    return 0.8 * Math.sin(2 * Math.PI * (from * t + ((to - from) * t * t) / (2 * seconds)));
  });
}

/** Power of `actual - ideal` against that of `ideal`, dB, away from the ends where silence begins. */
function errorDb(actual: Float32Array, ideal: Float32Array): number {
  let error = 0;
  let power = 0;
  for (let n = 800; n < ideal.length - 800; n++) {
    error += ((actual[n] as number) - (ideal[n] as number)) ** 2;
    power += (ideal[n] as number) ** 2;
  }
  return 10 * Math.log10(error / power);
}

function peak(signal: Float32Array): number {
  return signal.subarray(800, -800).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
}

/** Same numbers on every run, 0..1. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

describe('the pass band', () => {
  // Compared sample by sample with the sweep computed at 16 kHz: a delay or a wrong gain shows as well.
  it.each([44_100, 48_000, 96_000, 22_050])('keeps a sweep up to 7 kHz from %i Hz within -60 dB', (rate) => {
    const actual = resample(sweep(50, 7000, 2, rate), rate);
    expect(errorDb(actual, sweep(50, 7000, 2, OUT))).toBeLessThan(-60);
  });

  it('keeps a sweep up to 3.5 kHz from 8000 Hz within -60 dB', () => {
    expect(errorDb(resample(sweep(50, 3500, 2, 8000), 8000), sweep(50, 3500, 2, OUT))).toBeLessThan(-60);
  });

  it('does not change a signal that is at 16 kHz already', () => {
    const input = sweep(50, 7900, 1, OUT);
    expect(resample(input, OUT)).toEqual(input);
  });
});

describe('the stop band', () => {
  it.each([
    [44_100, 8100],
    [44_100, 15_000],
    [48_000, 8100],
    [48_000, 16_000],
    [48_000, 23_000],
    [96_000, 9000],
    [96_000, 33_000],
  ])('from %i Hz: nothing of %i Hz is left', (rate, frequency) => {
    const alias = peak(resample(sine(frequency, rate, rate), rate));
    expect(20 * Math.log10(alias / 0.8)).toBeLessThan(-60);
  });
});

describe('the blocks', () => {
  it.each([8000, 16_000, 22_050, 44_100, 48_000, 96_000])('at %i Hz: do not change the output', (rate) => {
    const input = sweep(100, 3000, 0.7, rate);
    const whole = resample(input, rate, () => input.length);
    const random = randomFrom(rate);
    const small = resample(input, rate, () => Math.floor(random() * 300)); // zero-length ones too
    const large = resample(input, rate, () => Math.floor(random() * 20_000));
    expect(small).toEqual(whole);
    expect(large).toEqual(whole);
  });

  it.each([8000, 16_000, 22_050, 44_100, 48_000, 96_000])('at %i Hz: give the exact length', (rate) => {
    for (const samples of [0, 1, 127, 128, 441, rate, rate + 1]) {
      expect(resample(new Float32Array(samples), rate)).toHaveLength(Math.ceil((samples * OUT) / rate));
    }
  });
});

it('refuses what is no rate', () => {
  for (const rate of [0, -48_000, 44_100.5, Number.NaN])
    expect(() => new Resampler(rate, OUT)).toThrow(RangeError);
});
