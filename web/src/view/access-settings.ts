import { type Language, MESSAGES } from '../messages';
import type { KeyAccess, SignInAccess } from '../page/access';
import type { Observable } from '../page/observable';
import type { GoogleSignIn } from '../page/sign-in';
import { part } from './element';

/**
 * The field for the service's key, which is kept as it is typed.
 * @param saved - called when a key has been typed to its end
 */
export function mountKeySetting(access: KeyAccess, saved: () => void): void {
  const box = part('[data-for=api-key]');
  const input = part<HTMLInputElement>('input', box);
  box.hidden = false;
  input.value = access.key;
  input.addEventListener('input', () => {
    access.key = input.value;
  });
  input.addEventListener('change', () => {
    if (access.key) saved();
  });
}

/**
 * Signing in and out. Its code is loaded when the settings are opened, not with the page.
 * @param saved - called when somebody has signed in
 */
export function mountSignInSetting(
  access: SignInAccess,
  language: Observable<Language>,
  saved: () => void,
): void {
  const box = part('[data-for=sign-in]');
  const state = part('[data-testid=signed-in]', box);
  const button = part<HTMLButtonElement>('[data-testid=sign-in]', box);
  let opened: GoogleSignIn | null = null;
  let failed = false;
  const show = (): void => {
    const messages = MESSAGES[language.value];
    const person = opened?.person.value ?? null;
    const told = person === null ? messages.signedOut : messages.signedInAs(person);
    state.textContent = failed ? messages.signInFailed : told;
    button.textContent = person === null ? messages.signIn : messages.signOut;
  };
  const open = async (): Promise<GoogleSignIn> => {
    const signIn = await access.open();
    if (!opened) {
      opened = signIn;
      signIn.person.subscribe(show);
    }
    return signIn;
  };
  const attempt = async (act: () => Promise<unknown>): Promise<void> => {
    failed = false;
    try {
      await act();
    } catch {
      failed = true;
    }
    show();
  };
  box.hidden = false;
  part('[data-testid=open-settings]').addEventListener('click', () => void attempt(open));
  button.addEventListener('click', () =>
    attempt(async () => {
      const signIn = await open();
      if (signIn.person.value !== null) return signIn.signOut();
      await signIn.signIn();
      saved();
    }),
  );
  part('[data-text=storedNowhere]').dataset.text = 'storedAtGoogle';
  language.subscribe(show);
}
