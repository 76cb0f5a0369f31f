import { type Language, MESSAGES, type Messages } from '../messages';
import type { Observable } from '../page/observable';

/** Names of the messages that are plain texts. */
type TextKey = { [K in keyof Messages]: Messages[K] extends string ? K : never }[keyof Messages];

/** Fills the texts of the markup (`data-text`, `data-label`) and keeps the language switch. */
export function mountPageLanguage(
  language: Observable<Language>,
  choose: (language: Language) => void,
): void {
  const buttons = [...document.querySelectorAll<HTMLButtonElement>('[data-language]')];
  for (const button of buttons) {
    button.addEventListener('click', () => {
      choose(button.dataset.language as Language);
    });
  }
  language.subscribe((current) => {
    const messages = MESSAGES[current];
    document.documentElement.lang = current;
    document.title = messages.title;
    for (const element of document.querySelectorAll<HTMLElement>('[data-text]')) {
      element.textContent = messages[element.dataset.text as TextKey];
    }
    for (const element of document.querySelectorAll<HTMLElement>('[data-label]')) {
      element.setAttribute('aria-label', messages[element.dataset.label as TextKey]);
    }
    for (const button of buttons)
      button.setAttribute('aria-pressed', String(button.dataset.language === current));
  });
}
