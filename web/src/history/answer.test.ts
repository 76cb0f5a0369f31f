import { expect, it } from 'vitest';
import { type Prompt, promptKey, TRANSCRIBE } from './answer';

it('gives equal prompts equal keys, and others other ones', () => {
  const ask: Prompt = { task: 'ask', language: null, words: 'Who speaks?' };
  expect(promptKey({ words: ' Who speaks?\n', language: null, task: 'ask' })).toBe(promptKey(ask));
  expect(promptKey({ ...TRANSCRIBE, words: ' ' })).toBe(promptKey(TRANSCRIBE));
  const others: Prompt[] = [
    TRANSCRIBE,
    ask,
    { ...ask, words: 'Where?' },
    { ...ask, task: 'describe' },
    { task: 'translate', language: 'ja', words: null },
    { task: 'translate', language: 'en', words: null },
  ];
  expect(new Set(others.map(promptKey)).size).toBe(others.length);
});
