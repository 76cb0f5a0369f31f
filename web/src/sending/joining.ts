import type { Segment, Stretch } from '../history/answer';
import type { Reply } from '../service/service';
import { add } from '../service/usage';
import { SAMPLE_RATE } from '../sound/pcm';

/** Characters that are written without spaces between them. */
const DENSE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uffef]/u;

/** Texts one after the other, with a space between two unless the writing has none there. */
export function joinTexts(texts: string[]): string {
  return texts
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .reduce((before, after) => before + gap(before, after) + after, '');
}

function gap(before: string, after: string): string {
  const ends = [[...before].at(-1) ?? '', [...after][0] ?? ''];
  return before === '' || ends.every((end) => DENSE.test(end)) ? '' : ' ';
}

/** What was said about the stretches of a recording, in their order, as said of all of it. */
export function joinReplies(replies: { stretch: Stretch; reply: Reply }[]): Reply {
  const all = replies.map(({ reply }) => reply);
  return {
    text: joinTexts(all.map(({ text }) => text)),
    segments: all.every(({ segments }) => segments) ? replies.flatMap(shifted) : null,
    noSpeech: all.every(({ noSpeech }) => noSpeech),
    notes: [...new Set(all.flatMap(({ notes }) => notes))],
    seconds: null,
    usage: all.map(({ usage }) => usage).reduce(add, null),
  };
}

function shifted({ stretch, reply }: { stretch: Stretch; reply: Reply }): Segment[] {
  const offset = stretch.from / SAMPLE_RATE;
  return (reply.segments ?? []).map(({ start, end, text }) => ({
    start: start + offset,
    end: end + offset,
    text,
  }));
}
