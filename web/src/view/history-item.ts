import { TRANSCRIBE } from '../history/answer';
import type { Recording } from '../history/recording';
import { MESSAGES } from '../messages';
import { deletedNotice } from '../page/notices';
import { clock, moment } from '../page/quantities';
import { copyOf, onPress, updateButtons, write } from './buttons';
import { part } from './element';
import { HistoryAnswer, type Shown } from './history-answer';
import { notKeptNotice, notSavedNotice } from './history-notices';
import type { HistoryOptions } from './history-options';
import { OccasionalForm } from './occasional-form';
import { openPlayer } from './player';
import { saveFile } from './save-file';

/** Of several answers the card shows the state that wants most to be seen. */
const LOUDEST = ['sending', 'failed', 'waiting', 'done'] as const;

/** One recording in the history, with what was answered about it. */
export class HistoryItem {
  readonly element = copyOf('#recording-item');
  readonly #options: HistoryOptions;
  readonly #answers = new Map<string, HistoryAnswer>();
  readonly #form: OccasionalForm;
  readonly #name: HTMLInputElement;
  readonly #send: HTMLElement;
  #recording: Recording;
  #shown: Shown[];
  #naming = false;
  #closePlayer: (() => void) | null = null;
  #playable = true;

  /** @param shown - what was asked about it, the oldest first */
  constructor(recording: Recording, shown: Shown[], options: HistoryOptions) {
    this.#options = options;
    this.#recording = recording;
    this.#shown = shown;
    const { element } = this;
    element.dataset.id = recording.id;
    this.#form = new OccasionalForm(part('.item-naming', element));
    this.#name = part<HTMLInputElement>('input', this.#form.element);
    this.#send = part('[data-testid=send]', element);
    onPress(element, 'send', () => void options.asking?.ask(recording.id, TRANSCRIBE));
    onPress(element, 'ask', () => {
      if (options.asking) options.task?.about(this.#recording, options.asking);
    });
    onPress(element, 'play', () => this.#togglePlayer());
    onPress(element, 'save-sound', () => this.#saveSound());
    onPress(element, 'delete', () => void this.#delete());
    onPress(element, 'rename', () => this.#rename());
    this.#form.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#endNaming(true);
      part<HTMLButtonElement>('[data-testid=rename]', element).focus();
    });
    this.#name.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      this.#endNaming(false);
      part<HTMLButtonElement>('[data-testid=rename]', element).focus();
    });
    this.#name.addEventListener('blur', () => this.#endNaming(true));
    this.#show();
  }

  /** Shows what has changed since the last time. */
  update(recording: Recording, shown: Shown[]): void {
    const same =
      recording === this.#recording &&
      shown.length === this.#shown.length &&
      shown.every(({ answer, progress }, index) => {
        const former = this.#shown[index];
        return answer === former?.answer && progress === former.progress;
      });
    if (same) return;
    this.#recording = recording;
    this.#shown = shown;
    this.#show();
  }

  /** Shows everything again, as in another language. */
  refresh(): void {
    this.#show();
  }

  /** Releases what the item holds; it is not used any more. */
  close(): void {
    this.#closePlayer?.();
    this.element.remove();
  }

  #show(): void {
    const { element } = this;
    const { name, createdAt, seconds, state: recorded } = this.#recording;
    const language = this.#options.language.value;
    const messages = MESSAGES[language];
    const recording = recorded === 'recording';
    const loudest = LOUDEST.find((state) => this.#shown.some(({ answer }) => answer.state === state));
    const state = recording ? 'recording' : (loudest ?? 'kept');
    element.dataset.state = state;
    const title = part('.item-name', element);
    // What was spoken here has no name, so its time stands for one.
    title.textContent = name ?? moment(createdAt, language);
    // Still the card's heading for those who hear the page.
    title.classList.toggle('visually-hidden', this.#naming);
    const time = part<HTMLTimeElement>('time', element);
    time.dateTime = new Date(createdAt).toISOString();
    write(time, name === null ? '' : moment(createdAt, language));
    write(part('.item-length', element), seconds === null ? '' : clock(seconds));
    const chip = part('.state', element);
    chip.dataset.state = state;
    // Each answer tells its own.
    write(chip, loudest && !recording ? '' : messages.state[state]);
    const rename = part<HTMLButtonElement>('[data-testid=rename]', element);
    rename.setAttribute('aria-label', messages.rename);
    rename.title = messages.rename;
    rename.hidden = recording || this.#naming;
    this.#form.show(this.#naming);
    this.#name.setAttribute('aria-label', messages.recordingName);
    this.#name.placeholder = moment(createdAt, language);
    write(part('[data-testid=unplayable]', element), this.#playable ? '' : messages.notPlayable);
    const actions = part(':scope > .item-actions', element);
    // Each answer has its own button.
    if (loudest) this.#send.remove();
    else if (this.#send.parentElement !== actions) actions.prepend(this.#send);
    actions.hidden = recording;
    const { asking, task } = this.#options;
    if (!loudest)
      updateButtons(actions, { send: { label: messages.send, shown: !recording && asking !== null } });
    updateButtons(actions, {
      play: { label: this.#closePlayer ? messages.stopPlaying : messages.play, shown: !recording },
      ask: { label: messages.askElse, shown: !recording && asking !== null && task !== null },
      'save-sound': { label: messages.saveSound, shown: !recording },
      delete: { label: messages.delete, shown: !recording },
    });
    // Not `disabled`, which would take the keyboard's focus away.
    part('[data-testid=ask]', actions).setAttribute('aria-disabled', String(task?.locked.value === true));
    this.#showAnswers();
  }

  #showAnswers(): void {
    const list = part('.item-answers', this.element);
    const present = new Set(this.#shown.map(({ answer }) => answer.key));
    for (const [key, answer] of this.#answers) {
      if (present.has(key)) continue;
      // Cancelled: what can be done next is below.
      const focused = answer.element.contains(document.activeElement);
      answer.element.remove();
      this.#answers.delete(key);
      if (focused)
        part<HTMLButtonElement>(':scope > .item-actions > button:not([hidden])', this.element).focus();
    }
    const alone = this.#shown.length === 1;
    this.#shown.forEach((shown, index) => {
      const { key } = shown.answer;
      const known = this.#answers.get(key);
      known?.update(this.#recording, shown, alone);
      const item = known ?? new HistoryAnswer(this.#recording, shown, alone, this.#options);
      this.#answers.set(key, item);
      if (list.children[index] !== item.element)
        list.insertBefore(item.element, list.children[index] ?? null);
    });
  }

  #rename(): void {
    this.#name.value = this.#recording.name ?? '';
    this.#naming = true;
    this.#show();
    this.#name.select();
  }

  #endNaming(keep: boolean): void {
    if (!this.#naming) return;
    this.#naming = false;
    const { id, name: former } = this.#recording;
    const name = this.#name.value.trim() || null;
    if (keep && name !== former) {
      const { library, tell } = this.#options;
      library.change(id, { name }).catch(() => tell(notKeptNotice()));
    }
    this.#show();
  }

  #togglePlayer(): void {
    if (this.#closePlayer) {
      this.#closePlayer();
      return;
    }
    this.#playable = true;
    this.#closePlayer = openPlayer(part('.item-player', this.element), {
      audio: () => this.#options.library.audio(this.#recording),
      unplayable: () => {
        this.#playable = false;
        this.#show();
      },
      closed: () => {
        this.#closePlayer = null;
        this.#show();
      },
    });
    this.#show();
  }

  #saveSound(): void {
    const recording = this.#recording;
    Promise.all([import('../history/exports'), this.#options.library.audio(recording)])
      .then(([{ soundFile }, audio]) => saveFile(soundFile(recording, audio)))
      .catch(() => this.#options.tell(notSavedNotice()));
  }

  async #delete(): Promise<void> {
    const { library, asking, tell } = this.#options;
    for (const { recording, key, state } of this.#shown.map(({ answer }) => answer)) {
      if (state === 'sending') asking?.cancel(recording, key);
    }
    try {
      const removed = await library.remove(this.#recording.id);
      if (removed)
        tell(deletedNotice(() => void library.restore(removed).catch(() => tell(notKeptNotice()))));
    } catch {
      tell(notKeptNotice());
    }
  }
}
