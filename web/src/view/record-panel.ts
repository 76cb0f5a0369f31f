import { type Language, MESSAGES } from '../messages';
import type { Observable } from '../page/observable';
import { clock } from '../page/quantities';
import type { Dictation } from '../recording/dictation';
import { SAMPLE_RATE } from '../sound/pcm';
import { part } from './element';
import { LevelMeter } from './level-meter';

/** The record button, which the markup leaves off, and the length and loudness of what is being recorded. */
export function mountRecordPanel(
  dictation: Dictation,
  maxSamples: number,
  language: Observable<Language>,
): void {
  const button = part<HTMLButtonElement>('[data-testid=record]');
  const hint = part('.record-hint');
  const elapsed = part('[data-testid=elapsed]');
  const longest = part('.longest');
  const level = new LevelMeter(part('[data-testid=level]'));

  const showState = (): void => {
    const state = dictation.state.value;
    const messages = MESSAGES[language.value];
    button.dataset.state = state;
    document.documentElement.dataset.dictation = state;
    button.setAttribute('aria-label', messages.record[state]);
    // Not `disabled`, which would take the keyboard's focus away.
    button.setAttribute('aria-disabled', String(state === 'starting' || state === 'stopping'));
    hint.textContent = messages.recordHint[state];
    longest.textContent = messages.longest(clock(maxSamples / SAMPLE_RATE));
    if (state === 'starting' || state === 'idle') level.clear();
  };

  button.disabled = false;
  button.addEventListener('click', () => dictation.toggle());
  dictation.state.subscribe(showState);
  language.subscribe(showState);
  dictation.meter.subscribe(({ rms, seconds }) => {
    elapsed.textContent = clock(seconds);
    if (dictation.state.value === 'recording') level.show(rms);
  });
}
