import type { Answer } from './answer';
import type { Recording } from './recording';

/**
 * Decides what a search keeps: all of its words occur, in any order, in the name or in what was answered, as it is
 * shown. Half-width and full-width characters are the same, and so are small and capital letters.
 * @param query - as typed; an empty one keeps everything
 */
export function searching(query: string): (recording: Recording, answers: Answer[]) => boolean {
  const words = folded(query).split(/\s+/).filter(Boolean);
  return ({ name }, answers) => {
    if (words.length === 0) return true;
    const texts = answers.map(({ edited, text, partial }) => edited ?? (text || partial));
    const all = folded([name ?? '', ...texts].join('\n'));
    return words.every((word) => all.includes(word));
  };
}

function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}
