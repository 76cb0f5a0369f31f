import { LANGUAGES, type Language } from '../messages';
import { Observable } from './observable';

const ENTRY = 'kikitori.language';

/** The first language of the browser that the page speaks; English where it speaks none. */
export function preferredLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split('-')[0];
    if (isLanguage(language)) return language;
  }
  return 'en';
}

/** The language of the page: what was chosen here before, else what the browser prefers. */
export function chosenLanguage(): Observable<Language> {
  let saved: string | null = null;
  try {
    saved = localStorage.getItem(ENTRY);
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
  return new Observable(isLanguage(saved) ? saved : preferredLanguage(navigator.languages));
}

/** Remembers a choice made with the switch. */
export function saveLanguage(language: Language): void {
  try {
    localStorage.setItem(ENTRY, language);
  } catch {
    // As above.
  }
}

function isLanguage(value: unknown): value is Language {
  return (LANGUAGES as readonly unknown[]).includes(value);
}
