import { expect, it } from 'vitest';
import { Lanes } from './lanes';

it('lets so many go at a time, the urgent ones first, and forgets who gave up', async () => {
  const lanes = new Lanes(2);
  const entered: string[] = [];
  const never = new AbortController().signal;
  const gone = new AbortController();
  const enter = async (name: string, urgent: boolean, signal = never) => {
    const leave = await lanes.enter(urgent, signal);
    entered.push(leave ? name : `${name} gave up`);
    return leave;
  };
  const first = await enter('a', false);
  await enter('b', false);
  const waiting = [enter('c', false), enter('d', false, gone.signal), enter('e', true), enter('f', true)];
  gone.abort();
  await waiting[1];
  first?.();
  (await waiting[2])?.();
  (await waiting[3])?.();
  (await waiting[0])?.();
  expect(entered).toEqual(['a', 'b', 'd gave up', 'e', 'f', 'c']);
  await enter('g', false);
  expect(entered.at(-1)).toBe('g');
});
