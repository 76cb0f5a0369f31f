import { type Language, MESSAGES } from '../messages';
import type { Observable } from '../page/observable';
import { diskSpace } from '../page/quantities';
import { typedAddress } from '../page/service-address';
import type { Settings, SettingsStore } from '../page/settings';
import { part } from './element';

/** Opens the settings, at the control with this id where one is given. */
export type OpenSettings = (control?: string) => void;

/** What a person may choose in every deployment. Each choice holds as soon as it is made. */
export function mountSettings(settings: SettingsStore, language: Observable<Language>): OpenSettings {
  const dialog = part<HTMLDialogElement>('[data-testid=settings]');
  const languages = part<HTMLSelectElement>('#language', dialog);
  const theme = part<HTMLSelectElement>('#theme', dialog);
  const whileSpeaking = part<HTMLInputElement>('#while-speaking', dialog);
  const shortcut = part<HTMLInputElement>('#shortcut', dialog);
  const storage = part('[data-testid=storage]', dialog);

  languages.addEventListener('change', () =>
    settings.change({ language: (languages.value || null) as Language | null }),
  );
  theme.addEventListener('change', () => settings.change({ theme: theme.value as Settings['theme'] }));
  whileSpeaking.addEventListener('change', () => settings.change({ whileSpeaking: whileSpeaking.checked }));
  shortcut.addEventListener('change', () => settings.change({ shortcut: shortcut.checked }));
  settings.values.subscribe((values) => {
    languages.value = values.language ?? '';
    theme.value = values.theme;
    whileSpeaking.checked = values.whileSpeaking;
    shortcut.checked = values.shortcut;
  });

  const showStorage = async (): Promise<void> => {
    storage.textContent = await storageText(language.value);
  };
  language.subscribe(() => {
    if (dialog.open) void showStorage();
  });
  const open: OpenSettings = (control) => {
    if (!dialog.open) dialog.showModal();
    if (control) part<HTMLElement>(`#${control}`, dialog).focus();
    void showStorage();
  };
  part('[data-testid=open-settings]').addEventListener('click', () => open());
  return open;
}

/** How much of the disk is used, and whether the browser may take it back; '' where it does not say. */
async function storageText(language: Language): Promise<string> {
  const messages = MESSAGES[language];
  try {
    const [{ usage, quota }, persists] = await Promise.all([
      navigator.storage.estimate(),
      navigator.storage.persisted(),
    ]);
    const parts = [persists ? messages.storagePersists : messages.storageMayGo];
    if (usage !== undefined && quota !== undefined) {
      parts.unshift(messages.storageUsed(diskSpace(usage), diskSpace(quota - usage)));
    }
    return messages.sentences(parts);
  } catch {
    return '';
  }
}

/** The address of the service, for a deployment that lets a person type one. */
export function mountAddressSetting(
  usual: string,
  settings: SettingsStore,
  language: Observable<Language>,
): void {
  const box = part('[data-for=address]');
  const input = part<HTMLInputElement>('input', box);
  const hint = part('p', box);
  const show = (): void => {
    const valid = input.value === '' || typedAddress(input.value) !== null;
    const messages = MESSAGES[language.value];
    input.setAttribute('aria-invalid', String(!valid));
    hint.textContent = valid ? messages.addressHint(usual) : messages.addressInvalid;
  };
  box.hidden = false;
  input.placeholder = usual;
  input.value = settings.values.value.address ?? '';
  input.addEventListener('change', () => {
    const address = typedAddress(input.value);
    if (address !== null || input.value === '') settings.change({ address });
    show();
  });
  language.subscribe(show);
}
