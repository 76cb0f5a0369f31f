import { type Language, MESSAGES } from '../messages';
import type { Observable } from '../page/observable';
import type { SettingsStore } from '../page/settings';
import type { Dictation } from '../recording/dictation';
import type { Microphones } from '../recording/microphones';
import { part } from './element';

/** Which microphone to use, where there is more than one and the browser tells. */
export function mountMicrophoneChoice(
  microphones: Microphones,
  dictation: Dictation,
  settings: SettingsStore,
  language: Observable<Language>,
): void {
  const choice = part('.microphone-choice');
  const select = part<HTMLSelectElement>('select', choice);
  const show = (): void => {
    const known = microphones.known.value;
    const { microphone } = settings.values.value;
    const messages = MESSAGES[language.value];
    const options = [new Option(messages.anyMicrophone, '')];
    for (const { id, name } of known) options.push(new Option(name, id));
    // It may be plugged in again.
    if (microphone !== null && !known.some(({ id }) => id === microphone)) {
      options.push(new Option(messages.absentMicrophone, microphone));
    }
    select.replaceChildren(...options);
    select.value = microphone ?? '';
    choice.hidden = known.length === 0 || (known.length === 1 && microphone === null);
  };
  select.addEventListener('change', () => settings.change({ microphone: select.value || null }));
  microphones.known.subscribe(show);
  settings.values.subscribe(show);
  language.subscribe(show);
  dictation.state.subscribe((state) => {
    select.disabled = state !== 'idle';
    // Permission may be new.
    if (state === 'recording') void microphones.refresh();
  });
}
