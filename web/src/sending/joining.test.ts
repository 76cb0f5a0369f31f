import { expect, it } from 'vitest';
import type { Reply } from '../service/service';
import { joinReplies, joinTexts } from './joining';

it('puts spaces where the writing has them', () => {
  expect(joinTexts([' And so ', 'my fellow', '', 'Americans.'])).toBe('And so my fellow Americans.');
  expect(joinTexts(['今日は。', '晴れです', 'カタカナ'])).toBe('今日は。晴れですカタカナ');
  expect(joinTexts(['今日は', 'Monday', 'です', '𠮷野家'])).toBe('今日は Monday です𠮷野家');
  expect(joinTexts(['', ' '])).toBe('');
  expect(joinTexts([])).toBe('');
});

const reply = (changes: Partial<Reply>): Reply => ({
  text: '',
  segments: [],
  noSpeech: false,
  notes: [],
  seconds: 1,
  usage: null,
  ...changes,
});

it('moves times to where the stretches are, and adds up the rest', () => {
  const usage = { audioSeconds: 1, gpuSeconds: 1, usd: { answer: 1, waking: 0, idle: 0 } };
  const joined = joinReplies([
    {
      stretch: { from: 0, to: 16_000 },
      reply: reply({ text: 'a', segments: [{ start: 0, end: 0.5, text: 'a' }], notes: ['cut'], usage }),
    },
    { stretch: { from: 24_000, to: 40_000 }, reply: reply({ noSpeech: true, notes: ['cut'] }) },
    {
      stretch: { from: 48_000, to: 64_000 },
      reply: reply({ text: 'b', segments: [{ start: 0.25, end: 1, text: 'b' }], usage }),
    },
  ]);
  expect(joined).toEqual({
    text: 'a b',
    segments: [
      { start: 0, end: 0.5, text: 'a' },
      { start: 3.25, end: 4, text: 'b' },
    ],
    noSpeech: false,
    notes: ['cut'],
    seconds: null,
    usage: { audioSeconds: 2, gpuSeconds: 2, usd: { answer: 2, waking: 0, idle: 0 } },
  });
});

it('says that nobody spoke only where that holds for all, and has no times where one lacks them', () => {
  const silent = { stretch: { from: 0, to: 1 }, reply: reply({ noSpeech: true }) };
  expect(joinReplies([silent, silent]).noSpeech).toBe(true);
  expect(joinReplies([silent, { ...silent, reply: reply({ segments: null }) }]).segments).toBeNull();
});
