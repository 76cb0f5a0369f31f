import type { Answer } from '../history/answer';
import type { Library } from '../history/library';
import { type Language, MESSAGES, type Messages } from '../messages';
import type { Observable } from '../page/observable';
import type { Progress } from '../sending/asking';
import type { CostMeter } from '../sending/cost-meter';
import type { Outbox } from '../sending/outbox';
import { dollars, totalUsd, type Usage } from '../service/usage';
import { notesText, progressText, showProgress } from './answer-status';
import { answerTitle } from './answer-title';
import { part } from './element';

/** The answer that was asked for last: how far it is, its words as they come, what it cost. */
export function mountAnswer(
  library: Library,
  outbox: Outbox,
  costs: CostMeter,
  language: Observable<Language>,
): void {
  const panel = part('.transcript');
  const title = part('h2', panel);
  const text = part('[data-testid=transcript]', panel);
  const note = part('.transcript-note', panel);
  const bar = part<HTMLProgressElement>('.answer-bar', panel);
  const status = part('.answer-status', panel);
  const countdown = part('.answer-countdown', panel);
  const actions = part('.answer-actions', panel);
  const now = part<HTMLButtonElement>('[data-testid=answer-now]', panel);
  const cancel = part<HTMLButtonElement>('[data-testid=answer-cancel]', panel);
  const cost = part('.answer-cost', panel);
  let shown = { name: '', text: '' };
  let ticking: ReturnType<typeof setInterval> | undefined;

  const current = (): { answer: Answer; progress: Progress | undefined } | null => {
    const latest = outbox.latest.value;
    const answer = latest && library.answer(latest.recording, latest.key);
    return answer
      ? { answer, progress: outbox.progress.value.get(`${answer.recording} ${answer.key}`) }
      : null;
  };

  /** Added to rather than written anew, so that a screen reader reads only what is new. */
  const write = (name: string, next: string): void => {
    const grows = shown.name === name && shown.text !== '' && next.startsWith(shown.text);
    if (!grows) text.textContent = next;
    else if (next !== shown.text) text.append(next.slice(shown.text.length));
    shown = { name, text: next };
  };

  const count = (): void => {
    const at = current()?.progress?.retryAt ?? null;
    const seconds = at === null ? null : Math.max(0, Math.ceil((at - Date.now()) / 1000));
    countdown.textContent = seconds === null ? '' : MESSAGES[language.value].retryIn(seconds);
    countdown.hidden = seconds === null;
    if (seconds === null) {
      clearInterval(ticking);
      ticking = undefined;
    } else {
      ticking ??= setInterval(count, 1000);
    }
  };

  const show = (): void => {
    const messages = MESSAGES[language.value];
    const found = current();
    panel.hidden = found === null;
    panel.dataset.status = found ? (found.progress?.status ?? found.answer.state) : 'none';
    if (!found) {
      write('', '');
      count();
      return;
    }
    const { answer, progress } = found;
    say(title, answerTitle(answer.prompt, messages, language.value));
    write(`${answer.recording} ${answer.key}`, progress ? progress.text : wordsOf(answer));
    say(note, noteOf(answer, progress, messages));
    say(status, progress ? progressText(answer, progress, messages) : '');
    showProgress(bar, progress, status.textContent ?? '');
    actions.hidden = !progress;
    now.hidden = progress?.status !== 'pausing';
    say(cost, progress ? '' : costOf(answer.usage, costs.session.value, messages, language.value));
    count();
  };
  now.addEventListener('click', () => {
    const answer = current()?.answer;
    // The button goes away as soon as it worked.
    cancel.focus();
    if (answer) void outbox.ask(answer.recording, answer.prompt);
  });
  cancel.addEventListener('click', () => {
    const answer = current()?.answer;
    if (answer) outbox.cancel(answer.recording, answer.key);
  });
  for (const source of [library.answers, outbox.progress, outbox.latest, costs.session, language]) {
    (source as Observable<unknown>).subscribe(show);
  }
}

/** A live region speaks whenever it is written, so only news are written. */
function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === '';
}

function wordsOf({ state, text, edited, partial }: Answer): string {
  return state === 'done' ? (edited ?? text) : partial || (edited ?? text);
}

function noteOf(answer: Answer, progress: Progress | undefined, messages: Messages): string {
  if (progress) return '';
  if (answer.state === 'failed' || answer.state === 'waiting')
    return answer.partial ? messages.transcriptBroken : messages.kept;
  // Also for an answer without the flag: an empty box would say nothing at all.
  const silent = answer.state === 'done' && (answer.noSpeech || answer.text.trim() === '');
  const notes = notesText(answer.notes, messages);
  return messages.sentences([...(silent ? [messages.noSpeech] : []), ...(notes ? [notes] : [])]);
}

function costOf(usage: Usage | null, session: Usage, messages: Messages, language: Language): string {
  if (!usage || session.gpuSeconds + totalUsd(session) === 0) return '';
  return messages.cost(
    usage.gpuSeconds.toFixed(1),
    dollars(totalUsd(usage), language),
    dollars(totalUsd(session), language),
  );
}
