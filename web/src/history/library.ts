import { Observable } from '../page/observable';
import { SAMPLE_RATE } from '../sound/pcm';
import { wavFile } from '../sound/wav';
import type { Answer, Part, Stretch } from './answer';
import type { Recording } from './recording';
import type { Entry, Store } from './store';

/**
 * The history as the page shows it: what the store holds, in memory and told to observers after every change.
 *
 * A change is made in memory at once and then written, so that the next one builds on it; the store writes in the
 * order of the calls. Where a write is rejected the page is ahead of the store, and the next write of the same record
 * brings both together.
 */
export class Library {
  /** Newest first. */
  readonly recordings: Observable<Recording[]>;
  /** Of all recordings, the oldest first. */
  readonly answers: Observable<Answer[]>;
  readonly #store: Store;

  private constructor(store: Store, recordings: Recording[], answers: Answer[]) {
    this.#store = store;
    this.recordings = new Observable(recordings.sort((a, b) => b.createdAt - a.createdAt));
    this.answers = new Observable(answers.sort((a, b) => a.createdAt - b.createdAt));
  }

  static async load(store: Store): Promise<Library> {
    const { recordings, answers } = await store.contents();
    return new Library(store, recordings, answers);
  }

  get(id: string): Recording | undefined {
    return this.recordings.value.find((recording) => recording.id === id);
  }

  answer(recording: string, key: string): Answer | undefined {
    return this.answers.value.find(isAnswer(recording, key));
  }

  /** The answers about a recording, the oldest first. */
  answersOf(recording: string): Answer[] {
    return this.answers.value.filter((answer) => answer.recording === recording);
  }

  /** Keeps a recording, new or changed. */
  async put(recording: Recording): Promise<void> {
    this.#show(recording);
    await this.#store.putRecording(recording);
  }

  /** Keeps changes of a recording; without effect when it was deleted meanwhile. */
  async change(id: string, changes: Partial<Recording>): Promise<void> {
    const recording = this.get(id);
    if (recording) await this.put({ ...recording, ...changes });
  }

  /** Keeps an answer, new or changed; without effect when its recording was deleted meanwhile. */
  async putAnswer(answer: Answer): Promise<void> {
    if (!this.get(answer.recording)) return;
    this.#showAnswer(answer);
    await this.#store.putAnswer(answer);
  }

  /** Keeps changes of an answer; without effect when it was deleted meanwhile. */
  async changeAnswer(recording: string, key: string, changes: Partial<Answer>): Promise<void> {
    const answer = this.answer(recording, key);
    if (answer) await this.putAnswer({ ...answer, ...changes });
  }

  /** Deletes an answer with its parts. */
  async dropAnswer(recording: string, key: string): Promise<void> {
    this.#forgetAnswer(recording, key);
    await this.#store.dropAnswer(recording, key);
  }

  /** Keeps a part, new or answered; without effect when its answer was deleted meanwhile. */
  async putPart(part: Part): Promise<void> {
    if (this.answer(part.recording, part.key)) await this.#store.putPart(part);
  }

  /** The parts of an answer in the order of the recording. */
  parts(recording: string, key: string): Promise<Part[]> {
    return this.#store.parts(recording, key);
  }

  /**
   * Puts a whole answer in the place of its parts.
   * @returns false, and nothing is changed, where another tab finished or deleted it meanwhile
   */
  async finish(recording: string, key: string, changes: Partial<Answer>): Promise<boolean> {
    const answer = this.answer(recording, key);
    if (!answer) return false;
    const whole = { ...answer, ...changes };
    this.#showAnswer(whole);
    const finished = await this.#store.finish(whole);
    if (!finished) await this.#reread(recording, key);
    return finished;
  }

  append(id: string, index: number, pcm: ArrayBuffer): Promise<void> {
    return this.#store.append(id, index, pcm);
  }

  /**
   * The sound as one file: a WAV of what was recorded, or the chosen file as it was.
   * @param stretch - of what was recorded: only this part of it
   */
  async audio({ id, sound }: Recording, stretch?: Stretch): Promise<Blob> {
    const pieces = await this.#store.sound(id, stretch);
    return sound === 'pcm' ? wavFile(pieces) : new Blob(pieces, { type: sound.type });
  }

  /** Deletes a recording with its answers and hands them over, so that they can be restored. */
  remove(id: string): Promise<Entry | null> {
    this.#forget(id);
    return this.#store.remove(id);
  }

  /** Brings a recording back, which may have been deleted in the middle of being sent, or adds a whole one. */
  async restore(entry: Entry): Promise<void> {
    const answers = entry.answers.map(settled);
    await this.#store.restore({ ...entry, answers });
    this.#show(entry.recording);
    for (const answer of answers) this.#showAnswer(answer);
  }

  /** Deletes everything. */
  async clear(): Promise<void> {
    this.recordings.set([]);
    this.answers.set([]);
    await this.#store.clear();
  }

  /**
   * Settles a recording that a closed or crashed page left in the middle: what was recorded is kept, one that holds
   * no sound is dropped. Whoever calls owns the recording.
   * @returns true when something was left behind and is kept
   */
  async settle(id: string): Promise<boolean> {
    const recording = await this.#store.recording(id);
    if (!recording) {
      this.#forget(id); // another tab deleted it
      return false;
    }
    if (recording.state !== 'recording') {
      this.#show(recording); // another tab finished it
      return false;
    }
    const samples = await this.#store.samples(id);
    if (samples === 0) {
      await this.remove(id);
      return false;
    }
    await this.put({ ...recording, seconds: samples / SAMPLE_RATE, state: 'kept' });
    return true;
  }

  /**
   * Settles an answer that a closed or crashed page was sending: it waits for somebody to send it. Whoever calls owns
   * the answer.
   * @returns true when it was left behind
   */
  async settleAnswer(recording: string, key: string): Promise<boolean> {
    const answer = await this.#reread(recording, key);
    if (answer?.state !== 'sending') return false; // another tab finished or deleted it
    await this.putAnswer(settled(answer));
    return true;
  }

  /** Shows an answer as another tab left it. */
  async #reread(recording: string, key: string): Promise<Answer | undefined> {
    const answer = await this.#store.answer(recording, key);
    if (answer) this.#showAnswer(answer);
    else this.#forgetAnswer(recording, key);
    return answer;
  }

  #forget(id: string): void {
    this.recordings.set(this.recordings.value.filter((recording) => recording.id !== id));
    this.answers.set(this.answers.value.filter(({ recording }) => recording !== id));
  }

  #forgetAnswer(recording: string, key: string): void {
    const forgotten = isAnswer(recording, key);
    this.answers.set(this.answers.value.filter((answer) => !forgotten(answer)));
  }

  #show(recording: Recording): void {
    const others = this.recordings.value.filter(({ id }) => id !== recording.id);
    this.recordings.set([...others, recording].sort((a, b) => b.createdAt - a.createdAt));
  }

  #showAnswer(answer: Answer): void {
    const same = isAnswer(answer.recording, answer.key);
    const others = this.answers.value.filter((other) => !same(other));
    this.answers.set([...others, answer].sort((a, b) => a.createdAt - b.createdAt));
  }
}

function isAnswer(recording: string, key: string): (answer: Answer) => boolean {
  return (answer) => answer.recording === recording && answer.key === key;
}

/** An answer while nothing is being done with it. */
function settled(answer: Answer): Answer {
  return answer.state === 'sending' ? { ...answer, state: 'waiting' } : answer;
}
