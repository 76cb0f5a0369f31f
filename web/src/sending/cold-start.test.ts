import { expect, it } from 'vitest';
import type { WarmupSnapshot } from '../service/warmup';
import { hiddenSeconds, secondsLeft } from './cold-start';

const snapshot = (bytes: number | null): WarmupSnapshot => ({
  status: 'loading',
  seconds: 4,
  error: null,
  phases: [
    { name: 'process', status: 'done', seconds: 2, bytes: null, totalBytes: null },
    { name: 'weights', status: 'running', seconds: 2, bytes, totalBytes: 100 },
  ],
});

it('goes by the last cold start, then by the bytes, then says nothing', () => {
  expect(secondsLeft(null, 3, 20)).toBe(17);
  expect(secondsLeft(snapshot(25), 3, 20)).toBe(17);
  expect(secondsLeft(snapshot(25), 21, 20)).toBe(6);
  expect(secondsLeft(snapshot(25), 3, null)).toBe(6);
  expect(secondsLeft(snapshot(0), 3, null)).toBeNull();
  expect(secondsLeft(snapshot(null), 3, null)).toBeNull();
  expect(secondsLeft(null, 3, null)).toBeNull();
});

it('knows how much of it passed while somebody recorded', () => {
  const wake = { from: 10_000, to: 30_000 };
  expect(hiddenSeconds(wake, [])).toBe(0);
  expect(
    hiddenSeconds(wake, [
      { from: 0, to: 12_000 },
      { from: 20_000, to: 25_000 },
    ]),
  ).toBe(7);
  expect(hiddenSeconds(wake, [{ from: 16_000, to: null }])).toBe(14);
  expect(hiddenSeconds(wake, [{ from: 40_000, to: 50_000 }])).toBe(0);
});
