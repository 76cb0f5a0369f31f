import { type Language, MESSAGES, type Messages } from '../messages';
import type { Observable } from '../page/observable';
import { part } from './element';

export interface Notice {
  tone: 'info' | 'error';
  text: (messages: Messages) => string;
  /** One thing to do about it. */
  action?: { label: (messages: Messages) => string; run: () => void };
  /** It stays: there is nothing the reader can do to make it untrue. */
  permanent?: boolean;
}

/** The one place where the page tells what happened. A newer notice takes the place of the older. */
export function mountNotice(notice: Observable<Notice | null>, language: Observable<Language>): void {
  const box = part('[data-testid=notice]');
  const text = part('.notice-text', box);
  const action = part<HTMLButtonElement>('.notice-action', box);
  const close = part('.notice-close', box);
  const show = (): void => {
    const { value } = notice;
    const messages = MESSAGES[language.value];
    box.hidden = value === null;
    if (!value) return;
    // An alert interrupts a screen reader, a status waits for a pause.
    box.setAttribute('role', value.tone === 'error' ? 'alert' : 'status');
    box.dataset.tone = value.tone;
    text.textContent = value.text(messages);
    action.hidden = !value.action;
    action.textContent = value.action?.label(messages) ?? '';
    close.hidden = value.permanent === true;
  };
  action.addEventListener('click', () => {
    const run = notice.value?.action?.run;
    notice.set(null);
    run?.();
  });
  close.addEventListener('click', () => notice.set(null));
  notice.subscribe(show);
  language.subscribe(show);
}
