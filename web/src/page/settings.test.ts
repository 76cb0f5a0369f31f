import { describe, expect, it } from 'vitest';
import { pageLanguage } from './language';
import { SettingsStore } from './settings';

/** A browser's storage with the given entries. */
function storageWith(entries: Record<string, string> = {}): Storage {
  const map = new Map(Object.entries(entries));
  return {
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => void map.set(key, value),
    removeItem: (key: string) => void map.delete(key),
  } as unknown as Storage;
}

const DEFAULTS = {
  language: null,
  theme: 'system',
  microphone: null,
  whileSpeaking: true,
  shortcut: true,
  address: null,
};

describe('settings', () => {
  it('begin with what suits everybody', () => {
    expect(new SettingsStore(storageWith()).values.value).toEqual(DEFAULTS);
  });

  it('are there again when the page is opened the next time', () => {
    const storage = storageWith();
    const changes = { theme: 'dark', microphone: 'm1', whileSpeaking: false } as const;
    new SettingsStore(storage).change(changes);
    expect(new SettingsStore(storage).values.value).toEqual({ ...DEFAULTS, ...changes });
  });

  it.each(['{', 'null', '3', '[]', '{"theme":"pink","language":"tlh","microphone":7,"address":""}'])(
    'take nothing over from %s',
    (entry) => {
      expect(new SettingsStore(storageWith({ 'kikitori.settings': entry })).values.value).toEqual(DEFAULTS);
    },
  );

  it('take over the language that was chosen before there were others', () => {
    const storage = storageWith({ 'kikitori.language': 'ja' });
    const settings = new SettingsStore(storage);
    expect(settings.values.value.language).toBe('ja');
    settings.change({ language: null });
    expect(new SettingsStore(storage).values.value.language).toBeNull();
  });

  it('last as long as the page where storage is blocked or full', () => {
    const full = storageWith();
    full.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    for (const storage of [null, full]) {
      const settings = new SettingsStore(storage);
      settings.change({ theme: 'light' });
      expect(settings.values.value.theme).toBe('light');
    }
  });
});

it('speaks the chosen language, and the browser’s as long as none is chosen', () => {
  const settings = new SettingsStore(storageWith());
  const language = pageLanguage(settings, ['fr', 'en-GB']);
  expect(language.value).toBe('en');
  settings.change({ language: 'ja' });
  expect(language.value).toBe('ja');
  settings.change({ language: null });
  expect(language.value).toBe('en');
});
