import { expect, it } from 'vitest';
import { testAnswer } from '../history/test-records';
import { MESSAGES } from '../messages';
import { costOfAll, costText } from './cost';

const usage = { audioSeconds: 9, gpuSeconds: 3.44, usd: { answer: 0.002_14, waking: 0, idle: 0 } };
const woken = { audioSeconds: 9, gpuSeconds: 30, usd: { answer: 0.01, waking: 1.2, idle: 0.1 } };

it('says what an answer cost, and how much of it was waking', () => {
  expect(costText(usage, 'en', MESSAGES.en)).toBe('GPU 3.4 sec · $0.0021');
  expect(costText(woken, 'en', MESSAGES.en)).toBe('GPU 30 sec · $1.31, of which $1.30 for waking and idling');
  expect(costText(usage, 'ja', MESSAGES.ja)).toBe('GPU 3.4 秒・$0.0021');
});

it('adds up the answers that say it', () => {
  const answers = [{ usage }, { usage: null }, { usage: woken }].map(testAnswer);
  expect(costOfAll(answers, 'en', MESSAGES.en)).toBe('All answers here: GPU 33 sec · $1.31');
  expect(costOfAll([testAnswer()], 'en', MESSAGES.en)).toBe('');
});
