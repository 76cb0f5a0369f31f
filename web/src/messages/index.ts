import { history } from './history';
import { page } from './page';
import { recording } from './recording';
import { sending } from './sending';
import { settings } from './settings';

/** The languages of the page, in the order of its switch. */
export const LANGUAGES = ['ja', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

const en = { ...page.en, ...recording.en, ...sending.en, ...history.en, ...settings.en };

/** Every text of the page in one language. */
export type Messages = typeof en;

const ja: Messages = { ...page.ja, ...recording.ja, ...sending.ja, ...history.ja, ...settings.ja };

/** The texts of each language. */
export const MESSAGES: Record<Language, Messages> = { ja, en };
