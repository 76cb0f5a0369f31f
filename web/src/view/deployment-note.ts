import { type Language, MESSAGES } from '../messages';
import type { Observable } from '../page/observable';
import { languageNames } from '../page/quantities';
import { part } from './element';

/**
 * Says which languages the deployment's model understands.
 * @param codes - BCP 47; null: many
 */
export function mountDeploymentNote(codes: string[] | null, language: Observable<Language>): void {
  const note = part('[data-testid=understands]');
  language.subscribe((current) => {
    const messages = MESSAGES[current];
    note.textContent = codes
      ? messages.understandsOnly(languageNames(codes, current))
      : messages.understandsMany;
  });
}
