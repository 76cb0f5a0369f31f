import { expect, it } from 'vitest';
import { srt, vtt } from './subtitles';
import fixture from './subtitles.fixture.json';

// tests/e2e/test_history.py holds the same file against the service.
it('writes what the service writes for the same segments', () => {
  expect(srt(fixture.segments)).toBe(fixture.srt);
  expect(vtt(fixture.segments)).toBe(fixture.vtt);
  expect(srt([])).toBe('');
  expect(vtt([])).toBe('WEBVTT\n\n');
});
