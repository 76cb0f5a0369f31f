import { expect, it } from 'vitest';
import { MESSAGES } from '../messages';
import { notesText } from './answer-status';

it('says what it has words for, and nothing of what an object has by itself', () => {
  expect(notesText(['__proto__', 'constructor', 'cut', 'new'], MESSAGES.en)).toBe(MESSAGES.en.notes.cut);
  expect(notesText(['__proto__'], MESSAGES.ja)).toBe('');
});
