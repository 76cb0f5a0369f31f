import { expect, it } from 'vitest';
import { answerFile, fileName, soundFile } from './exports';
import { testAnswer, testRecording } from './test-records';

const segments = [{ start: 0, end: 1.5, text: 'hello' }];

it('saves what is shown: the edited text, or what had arrived', async () => {
  const recording = testRecording({ name: 'Monday' });
  const file = answerFile('txt', recording, testAnswer({ text: 'helo', edited: 'hello' }));
  expect([file.name, file.type, await file.text()]).toEqual([
    'Monday.txt',
    'text/plain;charset=utf-8',
    'hello\n',
  ]);
  const broken = answerFile('txt', recording, testAnswer({ text: '', partial: 'hel' }));
  expect(await broken.text()).toBe('hel\n');
});

it('saves subtitles of the times that there are', async () => {
  const answer = testAnswer({ segments });
  const texts = await Promise.all(
    (['srt', 'vtt'] as const).map((format) => answerFile(format, testRecording(), answer).text()),
  );
  expect(texts[0]).toBe('1\n00:00:00,000 --> 00:00:01,500\nhello\n\n');
  expect(texts[1]).toBe('WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nhello\n\n');
});

it('saves all that is known of an answer as JSON', async () => {
  const answer = testAnswer({ text: 'helo', edited: 'hello', segments, notes: ['note'] });
  const file = answerFile('json', testRecording({ createdAt: 0 }), answer);
  expect(JSON.parse(await file.text())).toEqual({
    name: null,
    recordedAt: '1970-01-01T00:00:00.000Z',
    seconds: 2,
    prompt: { task: 'transcribe', language: null, words: null },
    text: 'hello',
    modelText: 'helo',
    segments,
    noSpeech: false,
    notes: ['note'],
    usage: null,
  });
});

it('tells answers of the same recording apart by their task', () => {
  const prompt = { task: 'summarize', language: null, words: null } as const;
  expect(answerFile('txt', testRecording({ name: 'a' }), testAnswer({ prompt })).name).toBe(
    'a.summarize.txt',
  );
});

it('gives names that every file system takes', () => {
  const named = (name: string | null, sound: 'pcm' | { type: string } = 'pcm') =>
    fileName(testRecording({ name, sound, createdAt: 0 }), 'txt');
  expect(named(null)).toBe('recording-1970-01-01T00-00-00.txt');
  expect(named('../x')).toBe('x.txt');
  expect(named('..\\..\\x')).toBe('x.txt');
  expect(named('<b>bold</b>')).toBe('b bold b.txt');
  expect(named('a\u0000b\u202ec\nd')).toBe('a b c d.txt');
  expect(named('...')).toBe('recording-1970-01-01T00-00-00.txt');
  expect(named('会議 2.0')).toBe('会議 2.0.txt');
  expect(named('talk.webm', { type: 'video/webm' })).toBe('talk.txt');
  expect(named('𠮷'.repeat(300))).toBe(`${'𠮷'.repeat(80)}.txt`);
});

it('keeps the ending of a chosen file, also where it was renamed', () => {
  const name = (given: string, type: string) =>
    soundFile(testRecording({ name: given, sound: { type } }), new Blob([])).name;
  expect(name('talk.m4a', 'audio/mp4')).toBe('talk.m4a');
  expect(name('talk', 'audio/x-wav')).toBe('talk.wav');
  expect(name('talk', 'video/webm;codecs=opus')).toBe('talk.webm');
  expect(name('talk', '../../x')).toBe('talk.audio');
  expect(soundFile(testRecording({ name: 'talk.m4a' }), new Blob([])).name).toBe('talk.m4a.wav');
});
