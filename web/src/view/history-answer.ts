import type { Answer } from '../history/answer';
import type { Format } from '../history/exports';
import type { Recording } from '../history/recording';
import { MESSAGES, type Messages } from '../messages';
import { failureText } from '../page/failure-text';
import type { Progress } from '../sending/asking';
import { notesText, progressText, showProgress } from './answer-status';
import { answerTitle } from './answer-title';
import { copyOf, onPress, updateButtons, write } from './buttons';
import { costText } from './cost';
import { part } from './element';
import { copyFailedNotice, notKeptNotice, notSavedNotice } from './history-notices';
import type { HistoryOptions } from './history-options';
import { OccasionalForm } from './occasional-form';
import { saveFile } from './save-file';

/** A text of this length may need its scroll bar, which then has to be reachable by keyboard. */
const SCROLLS_FROM = 200;

/** What is shown of an answer. */
export interface Shown {
  answer: Answer;
  /** Undefined where this tab is not sending it. */
  progress: Progress | undefined;
}

/** One answer about a recording: to read, to correct, to send again, to take elsewhere. */
export class HistoryAnswer {
  readonly element = copyOf('#recording-answer');
  readonly #options: HistoryOptions;
  readonly #form: OccasionalForm;
  readonly #field: HTMLTextAreaElement;
  readonly #formats: HTMLElement;
  readonly #copy: HTMLButtonElement;
  #recording: Recording;
  #answer: Answer;
  #progress: Progress | undefined;
  #alone: boolean;
  #editing = false;
  #copied = false;

  /** @param alone - it is the only one of its recording */
  constructor(recording: Recording, shown: Shown, alone: boolean, options: HistoryOptions) {
    this.#options = options;
    this.#recording = recording;
    this.#answer = shown.answer;
    this.#alone = alone;
    const { element } = this;
    this.#form = new OccasionalForm(part('.answer-editing', element));
    this.#field = part<HTMLTextAreaElement>('textarea', this.#form.element);
    this.#formats = part('.answer-formats', element);
    this.#copy = part<HTMLButtonElement>('[data-testid=copy]', element);
    onPress(element, 'send', () => void options.asking?.ask(this.#answer.recording, this.#answer.prompt));
    onPress(element, 'cancel', () => options.asking?.cancel(this.#answer.recording, this.#answer.key));
    onPress(element, 'copy', () => this.#copyText());
    this.#copy.addEventListener('blur', () => this.#showCopied(false));
    onPress(element, 'revert', () => this.#keep(null));
    onPress(element, 'save-as', () => this.#toggleFormats());
    for (const button of this.#formats.querySelectorAll('button')) {
      button.addEventListener('click', () => this.#save(button.dataset.format as Format));
    }
    onPress(element, 'edit', () => this.#edit());
    onPress(this.#form.element, 'cancel-edit', () => this.#endEdit());
    this.#form.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#keep(this.#field.value);
      this.#endEdit();
    });
    this.#field.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#endEdit();
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.#form.element.requestSubmit();
    });
    this.update(recording, shown, alone);
  }

  update(recording: Recording, { answer, progress }: Shown, alone: boolean): void {
    this.#recording = recording;
    this.#answer = answer;
    this.#progress = progress;
    this.#alone = alone;
    this.#show();
  }

  #show(): void {
    const { element } = this;
    const answer = this.#answer;
    const { prompt, state, edited, segments, failure } = answer;
    const language = this.#options.language.value;
    const messages = MESSAGES[language];
    element.dataset.state = state;
    element.dataset.task = prompt.task;
    // A transcript on its own needs no title.
    const plain = this.#alone && prompt.task === 'transcribe' && prompt.words === null;
    write(part('.answer-title', element), plain ? '' : answerTitle(prompt, messages, language));
    write(part('.answer-words', element), prompt.words === null ? '' : messages.asked(prompt.words));
    const chip = part('.state', element);
    chip.dataset.state = state;
    const word = state !== 'done' ? messages.state[state] : edited === null ? '' : messages.edited;
    const progress = this.#progress;
    // Of what is being made, the card or the line below says more.
    write(chip, progress || this.#recording.state === 'recording' ? '' : word);
    const text = part('[data-testid=text]', element);
    const shown = this.#text(messages);
    write(text, this.#editing ? '' : shown);
    text.tabIndex = shown.length > SCROLLS_FROM ? 0 : -1;
    write(
      part('[data-testid=failure]', element),
      // How long to wait was said when it failed, and is not true any more.
      failure && !progress ? failureText({ ...failure, retryAfter: null }, messages) : '',
    );
    const how = progress ? progressText(answer, progress, messages) : '';
    write(part('[data-testid=progress]', element), how);
    showProgress(part<HTMLProgressElement>('.answer-bar', element), progress, how);
    write(part('[data-testid=notes]', element), notesText(answer.notes, messages));
    write(
      part('[data-testid=cost]', element),
      answer.usage ? costText(answer.usage, language, messages) : '',
    );
    this.#form.show(this.#editing);
    this.#field.setAttribute('aria-label', messages.editedText);
    part('[data-testid=save-edit]', this.#form.element).textContent = messages.saveEdit;
    part('[data-testid=cancel-edit]', this.#form.element).textContent = messages.cancelEdit;
    const free = state !== 'sending';
    const hasText = answer.text !== '' || edited !== null;
    const anyText = hasText || answer.partial !== '';
    updateButtons(part('.item-actions', element), {
      send: {
        label: state === 'waiting' ? messages.send : messages.sendAgain,
        shown: free && this.#options.asking !== null,
      },
      cancel: { label: messages.cancel, shown: progress !== undefined },
      copy: { label: this.#copied ? messages.copied : messages.copy, shown: anyText },
      edit: { label: messages.edit, shown: anyText && free && !this.#editing },
      revert: { label: messages.revert, shown: edited !== null && free && !this.#editing },
      'save-as': { label: messages.saveAs, shown: anyText },
    });
    const wanted = state === 'waiting' || state === 'failed';
    part('[data-testid=send]', element).classList.toggle('wanted', wanted);
    if (!anyText) this.#formats.hidden = true;
    this.#formats.setAttribute('aria-label', messages.formats);
    const timed = segments !== null && segments.length > 0;
    for (const format of ['srt', 'vtt']) {
      const button = part<HTMLButtonElement>(`[data-format=${format}]`, this.#formats);
      button.hidden = !timed;
      button.disabled = edited !== null;
    }
    write(part('.answer-note', this.#formats), timed && edited !== null ? messages.subtitlesEdited : '');
  }

  #text(messages: Messages): string {
    const { state, text, edited, noSpeech, partial } = this.#answer;
    if (edited !== null) return edited;
    if (text.trim() !== '') return text;
    // Also for an answer without the flag: an empty place would say nothing at all.
    if (noSpeech || state === 'done') return messages.noSpeech;
    return partial;
  }

  #edit(): void {
    const { edited, text, partial } = this.#answer;
    this.#field.value = edited ?? (text || partial);
    this.#editing = true;
    this.#show();
    this.#field.focus();
  }

  #endEdit(): void {
    this.#editing = false;
    this.#show();
    part<HTMLButtonElement>('[data-testid=edit]', this.element).focus();
  }

  /** @param edited - null: the model's own text again */
  #keep(edited: string | null): void {
    const { recording, key, text } = this.#answer;
    this.#options.library
      .changeAnswer(recording, key, { edited: edited === text ? null : edited })
      .catch(() => this.#options.tell(notKeptNotice()));
  }

  #copyText(): void {
    const { edited, text, partial } = this.#answer;
    // Missing where the page does not come from a secure origin.
    const copied = navigator.clipboard?.writeText(edited ?? (text || partial)) ?? Promise.reject();
    copied.then(
      () => this.#showCopied(true),
      () => this.#options.tell(copyFailedNotice()),
    );
  }

  /** Said on the button until the person turns to something else. */
  #showCopied(copied: boolean): void {
    if (this.#copied === copied) return;
    this.#copied = copied;
    this.#show();
  }

  #toggleFormats(): void {
    this.#formats.hidden = !this.#formats.hidden;
    const button = part('[data-testid=save-as]', this.element);
    button.setAttribute('aria-expanded', String(!this.#formats.hidden));
  }

  #save(format: Format): void {
    import('../history/exports')
      .then(({ answerFile }) => saveFile(answerFile(format, this.#recording, this.#answer)))
      .catch(() => this.#options.tell(notSavedNotice()));
  }
}
