import { expect, it } from 'vitest';
import type { Stretch } from '../history/answer';
import { SAMPLE_RATE } from '../sound/pcm';
import { WhileSpeaking } from './while-speaking';

/** Seconds, each of them spoken all through (1) or silent (0), asked about as they are stored. */
function speak(longest = 60 * SAMPLE_RATE) {
  const said: (Stretch | string)[] = [];
  const whileSpeaking = new WhileSpeaking(
    {
      add: (stretch) => said.push(stretch),
      close: async () => void said.push('closed'),
      breakOff: () => said.push('broken off'),
      abandon: () => said.push('abandoned'),
    },
    longest,
  );
  const store = (...seconds: number[]): void => {
    for (const spoken of seconds) {
      const second = Int16Array.from({ length: SAMPLE_RATE }, (_, at) => (at % 7) * (spoken ? 1000 : 1));
      whileSpeaking.stored(second.buffer);
    }
  };
  return { whileSpeaking, said, store };
}

it('asks about what was said before a pause, and at the end about the rest', async () => {
  const { whileSpeaking, said, store } = speak();
  store(0, 1, 1, 1, 0);
  expect(said).toEqual([]);
  store(0, 1);
  expect(said).toHaveLength(1);
  await whileSpeaking.end();
  expect(said).toHaveLength(3);
  const [first, rest, last] = said as [Stretch, Stretch, string];
  expect(first.from).toBeLessThan(SAMPLE_RATE);
  expect(rest.from).toBeGreaterThanOrEqual(first.to);
  expect(rest.to).toBe(7 * SAMPLE_RATE);
  expect(last).toBe('closed');
});

it('asks about nothing more where only silence followed', async () => {
  const { whileSpeaking, said, store } = speak();
  store(1, 1, 1, 0, 0, 0);
  await whileSpeaking.end();
  expect(said).toHaveLength(2);
});

it('asks about all that one request takes where nobody seems to have spoken', async () => {
  const { whileSpeaking, said, store } = speak(2 * SAMPLE_RATE);
  store(0, 0, 0);
  await whileSpeaking.end();
  expect(said).toEqual([{ from: 0, to: 2 * SAMPLE_RATE }, 'closed']);
});

it('lets go of what is not wanted', () => {
  const { whileSpeaking, said, store } = speak();
  store(1, 1, 1, 0, 0, 1);
  whileSpeaking.abandon();
  expect(said.at(-1)).toBe('abandoned');
});
