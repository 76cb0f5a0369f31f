import type { Answer } from '../history/answer';
import type { Recording } from '../history/recording';
import { type Language, MESSAGES } from '../messages';
import { failureText } from '../page/failure-text';
import { clock, moment } from '../page/quantities';
import { part } from './element';
import { openPlayer } from './player';

export interface HistoryActions {
  /** Null where there is no service to send to. */
  send: ((id: string) => void) | null;
  cancel: (id: string) => void;
  remove: (id: string) => void;
  audio: (recording: Recording) => Promise<Blob>;
}

/** One recording in the history. */
export class HistoryItem {
  readonly element: HTMLElement;
  readonly #actions: HistoryActions;
  #recording: Recording;
  #answer: Answer | undefined;
  #language: Language;
  #closePlayer: (() => void) | null = null;

  /** @param answer - its transcript; undefined where it was never sent */
  constructor(recording: Recording, answer: Answer | undefined, language: Language, actions: HistoryActions) {
    this.#actions = actions;
    this.#recording = recording;
    this.#language = language;
    const template = part<HTMLTemplateElement>('#recording-item');
    this.element = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    this.element.dataset.id = recording.id;
    this.#on('send', () => actions.send?.(this.#recording.id));
    this.#on('cancel', () => actions.cancel(this.#recording.id));
    this.#on('delete', () => actions.remove(this.#recording.id));
    this.#on('play', () => this.#togglePlayer());
    this.update(recording, answer, language);
  }

  update(recording: Recording, answer: Answer | undefined, language: Language): void {
    this.#recording = recording;
    this.#answer = answer;
    this.#language = language;
    const { element } = this;
    const messages = MESSAGES[language];
    const { name, seconds } = recording;
    const state = recording.state === 'recording' ? 'recording' : (answer?.state ?? 'kept');
    const failure = answer?.failure;
    element.dataset.state = state;
    const time = part<HTMLTimeElement>('time', element);
    time.dateTime = new Date(recording.createdAt).toISOString();
    time.textContent = moment(recording.createdAt, language);
    // What was spoken here has no name, so its time stands for one.
    this.#write('.item-name', name ?? '');
    element.classList.toggle('spoken', name === null);
    part('.item-length', element).textContent = seconds === null ? '' : clock(seconds);
    part('.item-state', element).textContent = messages.state[state];
    this.#write('[data-testid=text]', this.#text());
    this.#write('[data-testid=failure]', failure && state === 'failed' ? failureText(failure, messages) : '');
    const free = state !== 'recording' && state !== 'sending';
    const sentBefore = state === 'done' || state === 'failed';
    this.#button(
      'send',
      sentBefore ? messages.sendAgain : messages.send,
      free && this.#actions.send !== null,
    );
    this.#button('cancel', messages.cancel, state === 'sending');
    this.#button('play', this.#closePlayer ? messages.stopPlaying : messages.play, state !== 'recording');
    this.#button('delete', messages.delete, state !== 'recording');
  }

  /** Releases what the item holds; it is not used any more. */
  close(): void {
    this.#closePlayer?.();
    this.element.remove();
  }

  #text(): string {
    const answer = this.#answer;
    if (!answer || answer.state === 'sending') return '';
    const { state, text, noSpeech, partial } = answer;
    // Also for an answer without the flag: an empty place would say nothing at all.
    if (noSpeech || (state === 'done' && text.trim() === '')) return MESSAGES[this.#language].noSpeech;
    return text || partial;
  }

  #togglePlayer(): void {
    if (this.#closePlayer) {
      this.#closePlayer();
      return;
    }
    this.#closePlayer = openPlayer(part('.item-player', this.element), {
      audio: () => this.#actions.audio(this.#recording),
      unplayable: () => this.#write('[data-testid=failure]', MESSAGES[this.#language].notPlayable),
      closed: () => {
        this.#closePlayer = null;
        this.update(this.#recording, this.#answer, this.#language);
      },
    });
    this.update(this.#recording, this.#answer, this.#language);
  }

  #write(selector: string, text: string): void {
    const element = part(selector, this.element);
    element.textContent = text;
    element.hidden = text === '';
  }

  #button(name: string, label: string, shown: boolean): void {
    const button = part<HTMLButtonElement>(`[data-testid=${name}]`, this.element);
    part('span', button).textContent = label;
    button.hidden = !shown;
  }

  #on(name: string, run: () => void): void {
    part(`[data-testid=${name}]`, this.element).addEventListener('click', run);
  }
}
