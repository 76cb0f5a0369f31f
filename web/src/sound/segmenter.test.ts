import { expect, it } from 'vitest';
import type { Stretch } from '../history/answer';
import { SAMPLE_RATE } from './pcm';
import { Segmenter } from './segmenter';

const FRAME = 480;

/** Numbers in 0..1 that are the same in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Sound of a loudness (root mean square, dBFS; -Infinity: exactly nothing) and a length in seconds. */
type Piece = [level: number, seconds: number];

function sound(...pieces: Piece[]): Int16Array {
  const random = numbers(1);
  const lengths = pieces.map(([, seconds]) => Math.round(seconds * SAMPLE_RATE));
  const pcm = new Int16Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const [index, [level]] of pieces.entries()) {
    const peak = 32768 * 10 ** (level / 20) * Math.sqrt(3);
    for (const end = at + (lengths[index] ?? 0); at < end; at++) pcm[at] = (random() * 2 - 1) * peak;
  }
  return pcm;
}

/** Words of 60 to 400 ms, as long as asked for, with gaps between them that are too short for a pause. */
function talk(seconds: number, level = -20, seed = 7): Piece[] {
  const random = numbers(seed);
  const pieces: Piece[] = [];
  for (let left = seconds; left > 1e-9; ) {
    const word = Math.min(left, 0.06 + random() * 0.34);
    const gap = Math.min(left - word, 0.03 + random() * 0.12);
    pieces.push([level, word], [-65, gap]);
    left -= word + gap;
  }
  return pieces;
}

function segment(pcm: Int16Array, sizes: () => number = () => SAMPLE_RATE, from = 0): Stretch[] {
  const segmenter = new Segmenter(from);
  const stretches: Stretch[] = [];
  for (let at = 0; at < pcm.length; ) {
    const size = sizes();
    stretches.push(...segmenter.push(pcm.subarray(at, at + size)));
    at += size;
  }
  const rest = segmenter.end();
  return rest ? [...stretches, rest] : stretches;
}

const inSeconds = (stretches: Stretch[]) =>
  stretches.map(({ from, to }) => [from / SAMPLE_RATE, to / SAMPLE_RATE]);

/** Expects each of these to lie within a tenth of a second of what was found. */
function expectCloseTo(stretches: Stretch[], expected: [number, number][]): void {
  expect(stretches, String(inSeconds(stretches))).toHaveLength(expected.length);
  expected.forEach(([from, to], index) => {
    const [foundFrom, foundTo] = inSeconds(stretches)[index] as [number, number];
    expect(Math.abs(foundFrom - from), `from ${foundFrom}`).toBeLessThan(0.1);
    expect(Math.abs(foundTo - to), `to ${foundTo}`).toBeLessThan(0.1);
  });
}

/** Talk with every kind of pause, near and far. */
function conversation(seed: number): Int16Array {
  const random = numbers(seed);
  const pieces: Piece[] = [];
  for (let index = 0; index < 14; index++) {
    pieces.push(
      [-65, random() ** 2 * 3],
      ...talk(0.3 + random() ** 3 * 20, -35 + random() * 25, index + seed),
    );
  }
  return sound(...pieces);
}

it('finds the same stretches whatever the size of the blocks', () => {
  for (const seed of [1, 2, 3]) {
    const pcm = conversation(seed);
    const expected = segment(pcm);
    expect(expected.length).toBeGreaterThan(3);
    const random = numbers(seed + 10);
    expect(segment(pcm, () => 1 + Math.floor(random() * 3000))).toEqual(expected);
    expect(segment(pcm, () => pcm.length)).toEqual(expected);
  }
});

it('finds stretches in order, without overlap, none over 28 s, with all that is loud in one of them', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const pcm = conversation(seed);
    const stretches = segment(pcm);
    const covered = new Uint8Array(pcm.length);
    let before = 0;
    for (const { from, to } of stretches) {
      covered.fill(1, from, to);
      expect(from).toBeGreaterThanOrEqual(before);
      expect(to).toBeGreaterThan(from);
      expect(to - from).toBeLessThanOrEqual(28 * SAMPLE_RATE);
      before = to;
    }
    expect(before).toBeLessThanOrEqual(pcm.length);
    for (let at = 0; at + FRAME <= pcm.length; at += FRAME) {
      const squares = pcm.subarray(at, at + FRAME).reduce((sum, sample) => sum + sample * sample, 0);
      if (10 * Math.log10(squares / FRAME / 32768 ** 2) < -50) continue;
      expect(covered.subarray(at, at + FRAME).indexOf(0), `${at / SAMPLE_RATE} s`).toBe(-1);
    }
  }
});

it('cuts in the pauses that are long enough for the length so far, and keeps a margin', () => {
  // 3 s want a pause of more than a second, 9 s one of 0.6 s, 16 s one of 0.3 s.
  const pcm = sound(
    [-65, 1],
    ...talk(3), // 1 to 4
    [-65, 0.8],
    ...talk(5), // 4.8 to 9.8
    [-65, 0.8],
    ...talk(2), // 10.6 to 12.6
    [-65, 2],
    ...talk(17), // 14.6 to 31.6
    [-65, 0.35],
    ...talk(1), // 31.95 to 32.95
  );
  expectCloseTo(segment(pcm), [
    [0.7, 10.1],
    [10.3, 12.9],
    [14.3, 31.9],
    [31.9, 32.95],
  ]);
});

it('hands out a stretch as soon as the pause is long enough, so that nothing is left at the end', () => {
  const segmenter = new Segmenter();
  expect(segmenter.push(sound([-65, 1], ...talk(4), [-65, 0.9]))).toEqual([]);
  expect(segmenter.push(sound([-65, 0.3]))).toHaveLength(1);
  expect(segmenter.push(sound([-65, 5]))).toEqual([]);
  expect(segmenter.end()).toBeNull();
});

it('finds speech at every loudness, also with noise 10 dB below', () => {
  for (const level of [-10, -20, -30, -40, -45]) {
    const noise = Math.min(-46, level - 10);
    const pcm = sound([noise, 1], [level, 3], [noise, 2], [level, 2], [noise, 1]);
    expectCloseTo(segment(pcm), [
      [0.7, 4.3],
      [5.7, 8.3],
    ]);
  }
});

it('cuts what never pauses at its quietest moment', () => {
  const pcm = sound([-12, 25], [-16, 0.2], [-12, 30]);
  const stretches = segment(pcm);
  expectCloseTo(stretches.slice(0, 1), [[0, 25.1]]);
  expect(stretches.at(-1)?.to).toBe(pcm.length);
  for (const [index, { from }] of stretches.entries()) expect(from).toBe(stretches[index - 1]?.to ?? 0);
});

it('sends nothing of silence, nor of a noise that does not change', () => {
  for (const level of [Number.NEGATIVE_INFINITY, -80, -65, -45]) {
    expect(segment(sound([level, 40]))).toEqual([]);
  }
});

it('takes a microphone that is not on yet for no sign of a quiet room', () => {
  expectCloseTo(segment(sound([Number.NEGATIVE_INFINITY, 0.4], [-45, 3], ...talk(2), [-45, 1])), [
    [3.1, 5.7],
  ]);
});

it('hears who speaks from the first moment on, and stops in a word', () => {
  expectCloseTo(segment(sound(...talk(0.4))), [[0, 0.4]]);
  expectCloseTo(segment(sound(...talk(5.01))), [[0, 5.01]]);
  expect(segment(new Int16Array(0))).toEqual([]);
  expect(segment(new Int16Array(3))).toEqual([]);
});

it('is taken up where it was left', () => {
  const pcm = sound([-65, 1], ...talk(3), [-65, 2], ...talk(4), [-65, 1]);
  const [first, second] = segment(pcm) as [Stretch, Stretch];
  const again = segment(pcm.subarray(first.to), undefined, first.to);
  expectCloseTo(again, inSeconds([second]) as [number, number][]);
  expect(again[0]?.from).toBeGreaterThanOrEqual(first.to);
});
