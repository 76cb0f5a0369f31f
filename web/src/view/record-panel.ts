import { type Language, MESSAGES } from '../messages';
import type { Observable } from '../page/observable';
import { clock } from '../page/quantities';
import type { SettingsStore } from '../page/settings';
import type { Dictation } from '../recording/dictation';
import { SAMPLE_RATE } from '../sound/pcm';
import { part } from './element';
import { Waveform } from './waveform';

/** The key that records and stops. */
const KEY = 'r';
/** Where keys are text, or look for an entry of a list. */
const FIELDS = 'input:not([type=radio], [type=checkbox], [type=file]), textarea, select, [contenteditable]';
/** A microphone that gives exactly nothing for this long is off, seconds. */
const DEAF_AFTER = 3;

/**
 * The record button, which the markup leaves off, what else can be done with a recording in progress, and its length and
 * loudness.
 */
export function mountRecordPanel(
  dictation: Dictation,
  maxSamples: Observable<number>,
  settings: SettingsStore,
  language: Observable<Language>,
): void {
  const button = part<HTMLButtonElement>('[data-testid=record]');
  const pause = part<HTMLButtonElement>('[data-testid=pause]');
  const discard = part<HTMLButtonElement>('[data-testid=discard]');
  const hint = part('.record-hint');
  const key = part('.record-key');
  const elapsed = part('[data-testid=elapsed]');
  const longest = part('.longest');
  const waveform = new Waveform(part('[data-testid=level]'));
  /** Length of the recording when something was last heard. */
  let heardAt = 0;
  let deaf = false;

  const showState = (): void => {
    const state = dictation.state.value;
    const messages = MESSAGES[language.value];
    const shortcut = settings.values.value.shortcut;
    const underWay = state === 'recording' || state === 'paused';
    button.dataset.state = state;
    document.documentElement.dataset.dictation = state;
    button.setAttribute('aria-label', messages.record[state]);
    if (shortcut) button.setAttribute('aria-keyshortcuts', KEY.toUpperCase());
    else button.removeAttribute('aria-keyshortcuts');
    // Not `disabled`, which would take the keyboard's focus away.
    button.setAttribute('aria-disabled', String(state === 'starting' || state === 'stopping'));
    if (!underWay && (document.activeElement === pause || document.activeElement === discard)) button.focus();
    pause.hidden = discard.hidden = !underWay;
    pause.dataset.state = state;
    pause.setAttribute('aria-label', state === 'paused' ? messages.resume : messages.pause);
    hint.textContent = deaf && state === 'recording' ? messages.deaf : messages.recordHint[state];
    key.textContent = messages.recordKey(KEY.toUpperCase());
    key.hidden = !shortcut || state !== 'idle';
    longest.textContent = messages.longest(clock(maxSamples.value / SAMPLE_RATE));
    if (state === 'starting' || state === 'idle') {
      waveform.clear();
      heardAt = 0;
      deaf = false;
    } else waveform.draw();
  };

  button.disabled = false;
  button.addEventListener('click', () => dictation.toggle());
  pause.addEventListener('click', () => dictation.togglePause());
  discard.addEventListener('click', () => dictation.discard());
  addEventListener('keydown', (event) => {
    const { target } = event;
    if (event.key.toLowerCase() !== KEY || event.repeat || event.isComposing || event.defaultPrevented)
      return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (!settings.values.value.shortcut || document.querySelector('dialog[open]')) return;
    if (target instanceof Element && target.closest(FIELDS)) return;
    event.preventDefault();
    dictation.toggle();
  });
  dictation.state.subscribe(showState);
  maxSamples.subscribe(showState);
  settings.values.subscribe(showState);
  language.subscribe(showState);
  dictation.level.subscribe(({ rms, peak, seconds }) => {
    elapsed.textContent = clock(seconds);
    if (dictation.state.value !== 'recording') return;
    waveform.show(rms, peak);
    if (peak > 0) heardAt = seconds;
    const was = deaf;
    deaf = seconds - heardAt >= DEAF_AFTER;
    if (deaf !== was) showState();
  });
}
