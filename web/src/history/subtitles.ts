import type { Segment } from './answer';

// The same as the service's own, so that a file is the same wherever it was made.

/** SubRip subtitles. */
export function srt(segments: Segment[]): string {
  return segments
    .map((segment, index) => `${index + 1}\n${times(segment, ',')}\n${cue(segment.text)}\n\n`)
    .join('');
}

/** WebVTT subtitles: https://www.w3.org/TR/webvtt1/. */
export function vtt(segments: Segment[]): string {
  const cues = segments.map((segment) => `${times(segment, '.')}\n${escaped(cue(segment.text))}\n\n`);
  return `WEBVTT\n\n${cues.join('')}`;
}

function times({ start, end }: Segment, point: string): string {
  return `${clock(start, point)} --> ${clock(end, point)}`;
}

/** @param point - what stands before the milliseconds */
function clock(seconds: number, point: string): string {
  const all = Math.round(seconds * 1000);
  const pad = (value: number, digits = 2): string => String(Math.floor(value)).padStart(digits, '0');
  return `${pad(all / 3_600_000)}:${pad((all / 60_000) % 60)}:${pad((all / 1000) % 60)}${point}${pad(all % 1000, 3)}`;
}

/** The text on one line: an empty line would end the cue, and `-->` would begin another. */
function cue(text: string): string {
  return text.trim().replace(/\s+/g, ' ').replaceAll('-->', '→');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
