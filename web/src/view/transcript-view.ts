import { type Language, MESSAGES } from '../messages';
import type { Observable } from '../page/observable';
import type { Progress } from '../sending/outbox';
import { part } from './element';

/** The transcript as it arrives. */
export function mountTranscript(progress: Observable<Progress | null>, language: Observable<Language>): void {
  const panel = part('.transcript');
  const text = part('[data-testid=transcript]', panel);
  const note = part('.transcript-note', panel);
  let shown = '';
  const show = (): void => {
    const messages = MESSAGES[language.value];
    const { value } = progress;
    // A failure that brought no words is told elsewhere.
    panel.hidden = value === null || (value.status === 'failed' && value.text === '');
    panel.dataset.status = value?.status ?? 'none';
    const next = value?.text ?? '';
    // Added to rather than written anew, so that a screen reader reads only what is new.
    if (shown !== '' && next.startsWith(shown)) {
      if (next !== shown) text.append(next.slice(shown.length));
    } else if (next !== shown) {
      text.textContent = next;
    }
    shown = next;
    note.textContent = noteOf(value, messages);
    note.hidden = note.textContent === '';
  };
  progress.subscribe(show);
  language.subscribe(show);
}

function noteOf(progress: Progress | null, messages: (typeof MESSAGES)[Language]): string {
  if (progress?.status === 'waiting') return messages.transcriptWaiting;
  if (progress?.status === 'failed' && progress.text) return messages.transcriptBroken;
  // Also for an answer without the flag: an empty box would say nothing at all.
  if (progress?.status === 'done' && (progress.noSpeech || progress.text.trim() === ''))
    return messages.noSpeech;
  return '';
}
