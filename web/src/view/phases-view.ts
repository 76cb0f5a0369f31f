import { type Language, MESSAGES, type Messages } from '../messages';
import { failureText } from '../page/failure-text';
import type { Observable } from '../page/observable';
import { megabytes } from '../page/quantities';
import { hiddenSeconds, keepColdStart, lastColdStart, type Span, secondsLeft } from '../sending/cold-start';
import type { WakeupState } from '../sending/wakeup';
import type { WarmupPhase } from '../service/warmup';
import { create, part } from './element';

/**
 * The cold start of the service, phase by phase; hidden while nobody wants the service.
 * @param recordings - when somebody recorded
 */
export function mountPhases(
  state: Observable<WakeupState>,
  recordings: () => Span[],
  language: Observable<Language>,
): void {
  const panel = part('[data-testid=phases]');
  const headline = part('.phases-headline', panel);
  const left = part('.phases-left', panel);
  const list = part('.phases-list', panel);
  let ticking: ReturnType<typeof setInterval> | undefined;
  let kept = 0;

  /** Not in the headline, which would be read aloud each second. */
  const estimate = (): void => {
    const { value } = state;
    const waking = value.status === 'calling' || value.status === 'loading';
    const snapshot = value.status === 'loading' ? value.snapshot : null;
    const elapsed = waking ? (Date.now() - value.calledAt) / 1000 : 0;
    const seconds = waking ? secondsLeft(snapshot, elapsed, lastColdStart()) : null;
    left.hidden = seconds === null;
    left.textContent = seconds === null ? '' : MESSAGES[language.value].wakeup.left(Math.ceil(seconds));
    if (waking) ticking ??= setInterval(estimate, 1000);
    else {
      clearInterval(ticking);
      ticking = undefined;
    }
  };

  const show = (): void => {
    const messages = MESSAGES[language.value];
    const { value } = state;
    panel.hidden = value.status === 'idle';
    panel.dataset.status = value.status;
    if (value.status === 'ready' && value.cold && kept !== value.readyAt) {
      kept = value.readyAt;
      keepColdStart((value.readyAt - value.calledAt) / 1000);
    }
    estimate();
    const text = headlineOf(value, recordings(), messages);
    // A status area speaks whenever it is written, so only news are written.
    if (headline.textContent !== text) headline.textContent = text;
    const phases = 'snapshot' in value && value.status !== 'ready' ? value.snapshot.phases : [];
    list.hidden = phases.length === 0;
    // The items stay, or the movement of one without figures would begin anew with every event.
    while (list.children.length > phases.length) list.lastElementChild?.remove();
    phases.forEach((phase, index) => {
      const item = (list.children[index] as HTMLElement | undefined) ?? list.appendChild(newItem());
      fillItem(item, phase, messages);
    });
  };
  state.subscribe(show);
  language.subscribe(show);
}

function headlineOf(state: WakeupState, recordings: Span[], messages: Messages): string {
  const { wakeup } = messages;
  switch (state.status) {
    case 'idle':
      return '';
    case 'calling':
    case 'loading':
      return wakeup[state.status];
    case 'ready': {
      if (!state.cold) return wakeup.awake;
      const { calledAt: from, readyAt: to } = state;
      const seconds = ((to - from) / 1000).toFixed(1);
      const hidden = hiddenSeconds({ from, to }, recordings);
      return hidden >= 0.1 ? wakeup.readyHidden(seconds, hidden.toFixed(1)) : wakeup.ready(seconds);
    }
    case 'failed': {
      const { error } = state.snapshot;
      const said = error ? [messages.serviceSaid(error)] : [];
      return messages.sentences([wakeup.failed, ...said, wakeup.keptAnyway]);
    }
    case 'unreachable':
      return messages.sentences([failureText(state.failure, messages), wakeup.keptAnyway]);
  }
}

function newItem(): HTMLElement {
  const item = create('li', 'phase');
  const track = create('span', 'phase-track');
  track.append(create('span', 'phase-fill'));
  item.append(track, create('span', 'phase-name'), create('span', 'phase-figure'));
  return item;
}

function fillItem(item: HTMLElement, phase: WarmupPhase, messages: Messages): void {
  const name = nameOf(phase, messages);
  const share = shareOf(phase);
  item.dataset.status = phase.status;
  item.setAttribute('aria-label', `${name}: ${messages.phaseStatus[phase.status]}`);
  part('.phase-track', item).classList.toggle('indeterminate', share === null);
  part('.phase-fill', item).style.setProperty('--share', (share ?? 0).toFixed(3));
  part('.phase-name', item).textContent = name;
  part('.phase-figure', item).textContent = figureOf(phase);
}

function nameOf(phase: WarmupPhase, messages: Messages): string {
  return Object.hasOwn(messages.phases, phase.name) ? (messages.phases[phase.name] as string) : phase.name;
}

/** How much of a phase is done, 0..1; null where nobody knows. */
function shareOf(phase: WarmupPhase): number | null {
  if (phase.status === 'done') return 1;
  if (phase.status === 'waiting') return 0;
  if (phase.bytes !== null && phase.totalBytes) return Math.min(1, phase.bytes / phase.totalBytes);
  return phase.status === 'running' ? null : 0;
}

function figureOf(phase: WarmupPhase): string {
  if (phase.status === 'running' && phase.bytes !== null && phase.totalBytes) {
    return `${megabytes(phase.bytes)} / ${megabytes(phase.totalBytes)}`;
  }
  return phase.status === 'done' ? `${phase.seconds.toFixed(1)} s` : '';
}
