import type { Language } from '../messages';
import { isLanguage } from './language';
import { Observable } from './observable';

const THEMES = ['system', 'light', 'dark'] as const;

/** What a person has chosen for this browser. */
export interface Settings {
  /** Null: what the browser prefers. */
  language: Language | null;
  theme: (typeof THEMES)[number];
  /** `deviceId` of the microphone; null: the system's choice. */
  microphone: string | null;
  /** Whether speech is sent while the person goes on speaking. */
  whileSpeaking: boolean;
  /** Whether one key records and stops. */
  shortcut: boolean;
  /** Address of the service, where the deployment lets a person type one; null: the deployment's. */
  address: string | null;
}

const ENTRY = 'kikitori.settings';
/** Where the language was kept before there were other settings. */
const FORMER_ENTRY = 'kikitori.language';

/** The settings, kept in this browser. Where storage is blocked they last as long as the page. */
export class SettingsStore {
  readonly values: Observable<Settings>;
  readonly #storage: Storage | null;

  /** @param storage - null where the browser blocks it */
  constructor(storage: Storage | null = localStorageOf(globalThis)) {
    this.#storage = storage;
    this.values = new Observable(read(storage));
  }

  change(changes: Partial<Settings>): void {
    this.values.set({ ...this.values.value, ...changes });
    try {
      this.#storage?.setItem(ENTRY, JSON.stringify(this.values.value));
      this.#storage?.removeItem(FORMER_ENTRY);
    } catch {
      // Full: as if blocked.
    }
  }
}

function localStorageOf(window: { localStorage?: Storage }): Storage | null {
  try {
    return window.localStorage ?? null;
  } catch {
    return null;
  }
}

/** Takes over what it understands and nothing else: another version of the page may have written it. */
function read(storage: Storage | null): Settings {
  const saved = parsed(storage?.getItem(ENTRY) ?? null);
  const language = saved.language ?? storage?.getItem(FORMER_ENTRY);
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
  return {
    language: isLanguage(language) ? language : null,
    theme: THEMES.find((theme) => theme === saved.theme) ?? 'system',
    microphone: text(saved.microphone),
    whileSpeaking: saved.whileSpeaking !== false,
    shortcut: saved.shortcut !== false,
    address: text(saved.address),
  };
}

function parsed(entry: string | null): Record<string, unknown> {
  try {
    return Object(JSON.parse(entry ?? '{}'));
  } catch {
    return {};
  }
}
