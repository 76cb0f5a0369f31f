import { expect, it } from 'vitest';
import type { Failure } from '../service/service-error';
import { delayBefore, mayPass } from './backoff';

const failure = (kind: Failure['kind'], retryAfter: number | null = null): Failure => ({
  kind,
  detail: null,
  retryAfter,
});
const delays = (kind: Failure['kind'], random = 0.5) =>
  [0, 1, 2, 3, 4, 5, 6, 7].map((attempt) => delayBefore(attempt, failure(kind), random));

it('waits longer each time, and stops after six tries', () => {
  for (const kind of ['unreachable', 'busy', 'unavailable', 'cut'] as const)
    expect(delays(kind)).toEqual([1, 2, 4, 8, 16, 30, null, null]);
});

it('spreads the delays by a fifth', () => {
  expect(delayBefore(3, failure('busy'), 0)).toBeCloseTo(6.4);
  expect(delayBefore(3, failure('busy'), 1)).toBeCloseTo(9.6);
});

it('comes back when the service asked for it, unless that is too late or was too often', () => {
  expect(delayBefore(0, failure('busy', 7))).toBe(7);
  expect(delayBefore(5, failure('unavailable', 120))).toBe(120);
  expect(delayBefore(0, failure('busy', 121))).toBeNull();
  expect(delayBefore(6, failure('busy', 7))).toBeNull();
});

it('tries a defect once more, and what will not pass not at all', () => {
  expect(delays('failed').slice(0, 2)).toEqual([1, null]);
  for (const kind of ['offline', 'key-missing', 'unauthorized', 'too-large', 'rejected', 'storage'] as const)
    expect(delays(kind)[0]).toBeNull();
});

it('knows what may pass', () => {
  expect(['offline', 'unauthorized', 'cut'].every((kind) => mayPass(failure(kind as 'cut')))).toBe(true);
  expect(['too-large', 'rejected', 'failed', 'storage'].some((kind) => mayPass(failure(kind as 'cut')))).toBe(
    false,
  );
});
