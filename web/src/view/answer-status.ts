import type { Answer } from '../history/answer';
import type { Messages } from '../messages';
import { failureText } from '../page/failure-text';
import type { Progress } from '../sending/asking';

// What is said of an answer beside its text, on the stage as in the history.

/** How far an answer is that is being made. */
export function progressText(
  { failure }: Answer,
  { status, done, of }: Progress,
  messages: Messages,
): string {
  if (status === 'pausing' && failure) return failureText({ ...failure, retryAfter: null }, messages);
  const parts = of !== null && of > 1 ? [messages.partsDone(done, of)] : [];
  return messages.sentences([messages.progress[status], ...parts]);
}

/** The same as a bar, hidden where nobody knows how far it is. */
export function showProgress(bar: HTMLProgressElement, progress: Progress | undefined, label: string): void {
  const { status, done, of, uploaded } = progress ?? { status: null, done: 0, of: null, uploaded: 0 };
  const inParts = of !== null && of > 1;
  bar.hidden = status !== 'uploading' && !inParts;
  bar.value = inParts ? done / of : uploaded;
  bar.setAttribute('aria-label', label);
}

/** What a reader should know, as far as the page has words for it: the codes come from the service or an import. */
export function notesText(codes: string[], messages: Messages): string {
  const known = codes.filter((code) => Object.hasOwn(messages.notes, code));
  return messages.sentences(known.map((code) => messages.notes[code] as string));
}
