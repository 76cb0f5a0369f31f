import { expect, it } from 'vitest';
import { Capture, type CaptureMessage } from './capture';

function capture(rate: number, maxSamples: number) {
  const messages: CaptureMessage[] = [];
  const subject = new Capture(rate, { maxSamples }, (message) => messages.push(message));
  const samples = () =>
    messages.flatMap((message) => (message.type === 'chunk' ? [...new Int16Array(message.pcm)] : []));
  return { subject, messages, samples };
}

function feed(subject: Capture, rate: number, seconds: number, value = 0.5): void {
  for (let left = Math.round(rate * seconds); left > 0; left -= 128) {
    subject.push(new Float32Array(Math.min(128, left)).fill(value));
  }
}

it('hands out whole seconds as they come, and the rest when stopped', () => {
  const { subject, messages, samples } = capture(48_000, 1e9);
  feed(subject, 48_000, 2.5);
  const lengths = () => messages.flatMap((m) => (m.type === 'chunk' ? [m.pcm.byteLength / 2] : []));
  expect(lengths()).toEqual([16_000, 16_000]);
  subject.obey('stop');
  expect(lengths()).toEqual([16_000, 16_000, 8000]);
  expect(messages.at(-1)).toEqual({ type: 'end', limit: false });
  expect(samples()[20_000]).toBe(16384); // 0.5 of full scale
});

it('ends by itself at the limit, with not one sample more', () => {
  const { subject, messages, samples } = capture(44_100, 20_000);
  feed(subject, 44_100, 3);
  subject.obey('stop');
  expect(samples()).toHaveLength(20_000);
  expect(messages.filter(({ type }) => type === 'end')).toEqual([{ type: 'end', limit: true }]);
  expect(subject.ended).toBe(true);
});

it('tells the level about twenty times a second', () => {
  const { subject, messages } = capture(48_000, 1e9);
  feed(subject, 48_000, 1, 0.25);
  const levels = messages.flatMap((m) => (m.type === 'level' ? [m] : []));
  expect(levels.length).toBeGreaterThanOrEqual(18);
  expect(levels.length).toBeLessThanOrEqual(20);
  expect(levels[0]?.rms).toBeCloseTo(0.25, 5);
  expect(levels[0]?.peak).toBe(0.25);
});

it('copes with empty blocks and with being stopped before any sound', () => {
  const { subject, messages } = capture(48_000, 1e9);
  subject.push(new Float32Array(0));
  subject.obey('stop');
  subject.obey('stop');
  expect(messages).toEqual([{ type: 'end', limit: false }]);
});

it('clips what is too loud instead of wrapping it round', () => {
  const { subject, samples } = capture(16_000, 1e9);
  feed(subject, 16_000, 0.1, 3);
  feed(subject, 16_000, 0.1, -3);
  subject.obey('stop');
  expect(samples()[100]).toBe(32767);
  expect(samples()[3000]).toBe(-32767);
});

it('takes nothing while it is paused, and ends from there with what came before', () => {
  const { subject, messages, samples } = capture(16_000, 1e9);
  feed(subject, 16_000, 0.5);
  subject.obey('pause');
  feed(subject, 16_000, 2);
  expect(samples()).toEqual([]);
  subject.obey('resume');
  feed(subject, 16_000, 0.25);
  subject.obey('pause');
  feed(subject, 16_000, 1);
  subject.obey('stop');
  expect(samples()).toHaveLength(12_000);
  expect(messages.at(-1)).toEqual({ type: 'end', limit: false });
});
