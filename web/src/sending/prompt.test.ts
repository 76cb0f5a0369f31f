import { expect, it } from 'vitest';
import { type Prompt, promptKey, TASKS } from '../history/answer';
import type { Model } from '../page/config';
import { longestSamples, maxFileBytes, routeOf, unavailable, wording } from './prompt';

const limits = { audioSeconds: 1800, uploadBytes: 32 * 2 ** 20 };
const QWEN: Model = {
  id: 'q',
  tasks: [...TASKS, 'chat'],
  prompts: { translate: 'Translate the speech into English.', describe: 'Describe the sounds.', ask: '' },
  languages: null,
  limits,
};
const WHISPER: Model = { ...QWEN, tasks: ['transcribe', 'translate'], prompts: {} };
const TINY: Model = { ...WHISPER, tasks: ['transcribe'] };
const prompt = (changes: Partial<Prompt>): Prompt => ({
  task: 'transcribe',
  language: null,
  words: null,
  ...changes,
});

it('asks for a transcript at its own address, unless in words of its own', () => {
  expect(routeOf(prompt({}), QWEN)).toBe('transcriptions');
  expect(routeOf(prompt({ words: ' ' }), TINY)).toBe('transcriptions');
  expect(routeOf(prompt({ words: 'Write it down.' }), QWEN)).toBe('chat');
  expect(routeOf(prompt({ words: 'Write it down.' }), WHISPER)).toBeNull();
});

it('translates by chat, else into English only', () => {
  expect(routeOf(prompt({ task: 'translate', language: 'en' }), QWEN)).toBe('chat');
  expect(routeOf(prompt({ task: 'translate', language: 'ja' }), QWEN)).toBe('chat');
  expect(routeOf(prompt({ task: 'translate', language: 'en' }), WHISPER)).toBe('translations');
  expect(routeOf(prompt({ task: 'translate', language: 'ja' }), WHISPER)).toBeNull();
  expect(routeOf(prompt({ task: 'translate', language: 'en' }), TINY)).toBeNull();
});

it('knows what a deployment cannot do', () => {
  const missing = (model: Model) => TASKS.filter((task) => unavailable(task, model));
  expect(missing(QWEN)).toEqual([]);
  expect(missing(WHISPER)).toEqual(['describe', 'summarize', 'ask']);
  expect(missing(TINY)).toEqual(['translate', 'describe', 'summarize', 'ask']);
});

it("asks in the deployment's words, with the target in them, or in the person's", () => {
  expect(wording(prompt({ task: 'describe' }), QWEN)).toBe('Describe the sounds.');
  expect(wording(prompt({ task: 'describe', words: ' Which bird? ' }), QWEN)).toBe('Which bird?');
  expect(wording(prompt({ task: 'translate', language: 'en' }), QWEN)).toBe(
    'Translate the speech into English.',
  );
  expect(wording(prompt({ task: 'translate', language: 'ja' }), QWEN)).toBe(
    'Translate the speech into Japanese.',
  );
  expect(wording(prompt({ task: 'translate', language: 'ja' }), { ...QWEN, prompts: {} })).toBe(
    'Translate the speech into Japanese.',
  );
  expect(wording(prompt({ task: 'ask' }), QWEN)).toBe('');
});

it('has one key for one wording', () => {
  expect(promptKey(prompt({ words: ' a ' }))).toBe(promptKey(prompt({ words: 'a' })));
});

it('knows to the byte what fits into a request', () => {
  expect(maxFileBytes(limits)).toBe(32 * 2 ** 20 - 4096);
  expect(longestSamples(limits)).toBe((32 * 2 ** 20 - 4096 - 44) / 2);
  expect(longestSamples(limits) / 16_000 / 60).toBeGreaterThan(17);
  expect(longestSamples(limits, 'chat') / 16_000 / 60).toBeGreaterThan(12);
  const base64 = (Math.ceil(maxFileBytes(limits, 'chat') / 3) * 4) as number;
  expect(base64 + 4096 + 6 * 2000).toBeLessThanOrEqual(limits.uploadBytes);
  expect(longestSamples({ audioSeconds: 60, uploadBytes: limits.uploadBytes })).toBe(60 * 16_000);
  expect(longestSamples({ audioSeconds: 60, uploadBytes: 100 })).toBe(0);
});
