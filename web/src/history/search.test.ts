import { expect, it } from 'vitest';
import { searching } from './search';
import { testAnswer, testRecording } from './test-records';

const found = (query: string, name: string | null, ...texts: string[]): boolean =>
  searching(query)(
    testRecording({ name }),
    texts.map((text) => testAnswer({ text })),
  );

it('keeps everything while nothing is searched', () => {
  expect(found('', null)).toBe(true);
  expect(found('  ', null, 'hello')).toBe(true);
});

it('looks into names and answers for all words', () => {
  expect(found('talk', 'Talk.webm')).toBe(true);
  expect(found('WORLD hello', null, 'Hello,', 'world')).toBe(true);
  expect(found('monday hello', 'monday.wav', 'hello')).toBe(true);
  expect(found('hello moon', null, 'hello world')).toBe(false);
  expect(found('ab', 'a', 'b')).toBe(false); // never across two texts
});

it('takes half-width and full-width characters for the same', () => {
  expect(found('ガギ', null, 'ｶﾞｷﾞ')).toBe(true);
  expect(found('ｶﾞｷﾞ', null, 'ガギ')).toBe(true);
  expect(found('abc　１２', null, 'ＡＢＣと12')).toBe(true);
});

it('looks into what is shown: the edited text instead of the model’s, and what had arrived', () => {
  const look = (query: string) =>
    searching(query)(testRecording(), [testAnswer({ text: 'wrong', edited: 'right' })]);
  expect([look('right'), look('wrong')]).toEqual([true, false]);
  expect(searching('begin')(testRecording(), [testAnswer({ text: '', partial: 'beginning' })])).toBe(true);
});
