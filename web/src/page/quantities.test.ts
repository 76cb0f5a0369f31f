import { expect, it } from 'vitest';
import { clock, diskSpace, languageNames, megabytes, meterShare } from './quantities';

it('shows time as clocks do', () => {
  expect([0, 0.99, 59.9, 60, 754, 3599, 3600, 36_061].map(clock)).toEqual([
    '0:00',
    '0:00',
    '0:59',
    '1:00',
    '12:34',
    '59:59',
    '1:00:00',
    '10:01:01',
  ]);
});

it('shows bytes as megabytes', () => {
  expect([0, 1_000_000, 33_554_432, 75_537_502].map(megabytes)).toEqual([
    '0.0 MB',
    '1.0 MB',
    '32 MB',
    '72 MB',
  ]);
});

it('names languages, and lets what is none stand for itself', () => {
  expect(languageNames(['en'], 'en')).toBe('English');
  expect(languageNames(['en', 'ja'], 'ja')).toBe('英語、日本語');
  expect(languageNames(['<b>', 'fr'], 'en')).toBe('<b> and French');
});

it('fits loudness into a meter', () => {
  expect([0, 0.001, 1, 5, -1, Number.NaN].map(meterShare)).toEqual([0, 0, 1, 1, 0, 0]);
  expect(meterShare(0.1)).toBeGreaterThan(meterShare(0.02));
});

it('counts the space of a disk in what suits its size', () => {
  expect([200_000, 2 ** 30 - 2 ** 20, 2 ** 30, 9.75 * 2 ** 30, 312 * 2 ** 30].map(diskSpace)).toEqual([
    '0.2 MB',
    '1023 MB',
    '1.0 GB',
    '9.8 GB',
    '312 GB',
  ]);
});
