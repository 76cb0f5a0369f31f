import { expect, it } from 'vitest';
import { add, dollars, parseUsage, totalUsd } from './usage';

const ONE = { audioSeconds: 2, gpuSeconds: 0.5, usd: { answer: 1, waking: 2, idle: 3 } };

it('reads what the service tells, and takes what it does not understand for nothing', () => {
  const cost = { answer: 1, waking: 2, idle: 3 };
  expect(parseUsage({ audio_seconds: 2, gpu_seconds: 0.5, cost_usd: cost })).toEqual(ONE);
  expect(parseUsage({ audio_seconds: 2, gpu_seconds: 'x', cost_usd: null })).toEqual({
    audioSeconds: 2,
    gpuSeconds: 0,
    usd: { answer: 0, waking: 0, idle: 0 },
  });
  for (const value of [undefined, null, 3, 'x', {}, { audio_seconds: '2' }])
    expect(parseUsage(value)).toBeNull();
});

it('adds up', () => {
  expect(add(ONE, ONE)).toEqual({ audioSeconds: 4, gpuSeconds: 1, usd: { answer: 2, waking: 4, idle: 6 } });
  expect(add(null, ONE)).toBe(ONE);
  expect(add(ONE, null)).toBe(ONE);
  expect(add(null, null)).toBeNull();
  expect(totalUsd(ONE)).toBe(6);
});

it('writes money with the figures that say something', () => {
  expect([0, 0.000423, 0.0123, 1.5].map((usd) => dollars(usd, 'en'))).toEqual([
    '$0.00',
    '$0.00042',
    '$0.01',
    '$1.50',
  ]);
});
