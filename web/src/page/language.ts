import { LANGUAGES, type Language } from '../messages';
import { Observable } from './observable';
import type { SettingsStore } from './settings';

/** The first language of the browser that the page speaks; English where it speaks none. */
export function preferredLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split('-')[0];
    if (isLanguage(language)) return language;
  }
  return 'en';
}

/**
 * The language of the page: what was chosen in the settings, else what the browser prefers.
 * @param wanted - by the browser, the most wanted first
 */
export function pageLanguage(
  settings: SettingsStore,
  wanted: readonly string[] = navigator.languages,
): Observable<Language> {
  const chosen = (): Language => settings.values.value.language ?? preferredLanguage(wanted);
  const language = new Observable(chosen());
  settings.values.subscribe(() => {
    if (language.value !== chosen()) language.set(chosen());
  });
  return language;
}

export function isLanguage(value: unknown): value is Language {
  return (LANGUAGES as readonly unknown[]).includes(value);
}
