import { expect, it } from 'vitest';
import page from '../../index.html?raw';
import { preferredLanguage } from '../page/language';
import { LANGUAGES, MESSAGES } from '.';
import { history } from './history';
import { page as pageTexts } from './page';
import { recording } from './recording';
import { sending } from './sending';
import { settings } from './settings';

/** Each text by its path, with what kind of thing it is: `record.idle: string`, `serviceSaid: function 1`. */
function shape(value: unknown, path = ''): string[] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => shape(inner, path ? `${path}.${key}` : key));
  }
  return [`${path}: ${typeof value}${typeof value === 'function' ? ` ${value.length}` : ''}`];
}

it('has the same texts in every language, none of them empty', () => {
  const english = shape(MESSAGES.en).sort();
  expect(english.length).toBeGreaterThan(60);
  for (const language of LANGUAGES) expect(shape(MESSAGES[language]).sort()).toEqual(english);
  for (const language of LANGUAGES) expect(JSON.stringify(MESSAGES[language])).not.toContain('""');
});

it('has each name in one topic only', () => {
  const names = [pageTexts, recording, sending, history, settings].flatMap(({ en }) => Object.keys(en));
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

it('leaves no text untranslated', () => {
  const same = Object.entries(MESSAGES.en).filter(
    ([key, text]) => typeof text === 'string' && (MESSAGES.ja as Record<string, unknown>)[key] === text,
  );
  expect(same).toEqual([]);
});

it('stands in the markup as the markup has it', () => {
  const texts = [...page.matchAll(/data-text="(\w+)"[^>]*>\s*([^<]*?)\s*</g)];
  expect(texts.length).toBeGreaterThan(6);
  const english = MESSAGES.en as unknown as Record<string, unknown>;
  for (const [, key, text] of texts)
    expect([key, text?.replace(/\s+/g, ' ')]).toEqual([key, english[key as string]]);
  for (const [, key] of page.matchAll(/data-label="(\w+)"/g)) expect(english).toHaveProperty(key as string);
});

it('follows the browser, and speaks English to everybody else', () => {
  expect(preferredLanguage(['ja-JP', 'en'])).toBe('ja');
  expect(preferredLanguage(['en-GB', 'ja'])).toBe('en');
  expect(preferredLanguage(['fr', 'ja'])).toBe('ja');
  expect(preferredLanguage(['fr'])).toBe('en');
  expect(preferredLanguage([])).toBe('en');
});
