import type { Prompt } from '../history/answer';
import type { Language, Messages } from '../messages';
import { languageNames } from '../page/quantities';

/** What stands over an answer. */
export function answerTitle(
  { task, language: target }: Prompt,
  messages: Messages,
  language: Language,
): string {
  if (task !== 'translate') return messages.answers[task];
  return messages.translationInto(languageNames([target ?? 'en'], language));
}
