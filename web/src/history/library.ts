import { Observable } from '../page/observable';
import { SAMPLE_RATE } from '../sound/pcm';
import { wavFile } from '../sound/wav';
import type { Answer, Part, Stretch } from './answer';
import type { Recording } from './recording';
import type { Entry, Store } from './store';

/** Tells the other tabs of this browser, and hears them. */
export interface Tabs {
  postMessage(changed: string | null): void;
  onmessage: ((event: MessageEvent<string | null>) => void) | null;
}

/**
 * The history as the page shows it: what the store holds, in memory and told to observers after every change.
 *
 * Several tabs may show it, so a change is made of what is stored, not of what this tab remembers, and the others hear
 * which recording to read again. Reads and writes of a tab end in the order of their calls, so what is shown last is
 * what is stored. Where a write is rejected the page is ahead of the store, and the next write of the same record brings
 * both together.
 */
export class Library {
  /** Newest first. */
  readonly recordings: Observable<Recording[]>;
  /** Of all recordings, the oldest first. */
  readonly answers: Observable<Answer[]>;
  /** The recording that another tab changed last, read again; null before that. */
  readonly heard = new Observable<string | null>(null);
  readonly #store: Store;
  readonly #tabs: Tabs | null;
  /** Changes that could not be written, by the names of their records. */
  readonly #unwritten = new Map<string, object>();

  private constructor(store: Store, tabs: Tabs | null, { recordings, answers }: Contents) {
    this.#store = store;
    this.#tabs = tabs;
    this.recordings = new Observable(recordings.sort(newestFirst));
    this.answers = new Observable(answers.sort(oldestFirst));
    if (tabs) tabs.onmessage = ({ data }) => void this.#hear(data);
  }

  /** @param tabs - null: no other tab is told */
  static async load(store: Store, tabs: Tabs | null = null): Promise<Library> {
    return new Library(store, tabs, await store.contents());
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

  /** Keeps a new recording. */
  async put(recording: Recording): Promise<void> {
    await this.#store.putRecording(recording);
    this.#show(recording.id, recording);
    this.#tell(recording.id);
  }

  /** Keeps changes of a recording; without effect when it was deleted meanwhile. */
  async change(id: string, changes: Partial<Recording>): Promise<void> {
    const changed = await this.#write(id, changes, {
      write: (all) => this.#store.changeRecording(id, all),
      ahead: (all) => {
        const known = this.get(id);
        if (known) this.#show(id, { ...known, ...all });
      },
    });
    this.#show(id, changed);
    this.#tell(id);
  }

  /**
   * Keeps an answer, new or changed; without effect when its recording was deleted meanwhile. Of one that is stored, only
   * what differs from what this tab shows is written: the rest may be another tab's.
   */
  async putAnswer(answer: Answer): Promise<void> {
    const { recording, key } = answer;
    const known: Partial<Answer> = this.answer(recording, key) ?? {};
    const changed = (Object.keys(answer) as (keyof Answer)[]).filter((name) => answer[name] !== known[name]);
    const changes = Object.fromEntries(changed.map((name) => [name, answer[name]]));
    await this.#writeAnswer(recording, key, changes, (all) => this.#store.putAnswer(answer, all));
  }

  /** Keeps changes of an answer; without effect when it was deleted meanwhile. */
  changeAnswer(recording: string, key: string, changes: Partial<Answer>): Promise<void> {
    return this.#writeAnswer(recording, key, changes, (all) => this.#store.changeAnswer(recording, key, all));
  }

  /** Deletes an answer with its parts. */
  async dropAnswer(recording: string, key: string): Promise<void> {
    try {
      await this.#store.dropAnswer(recording, key);
    } finally {
      this.#showAnswer(recording, key, undefined);
      this.#tell(recording);
    }
  }

  /** Keeps a part, new or answered; without effect when its answer was deleted meanwhile. */
  putPart(part: Part): Promise<void> {
    return this.#store.putPart(part);
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
    const finished = await this.#store.finish(recording, key, changes);
    if (finished) {
      this.#showAnswer(recording, key, finished);
      this.#tell(recording);
    } else await this.#reread(recording);
    return finished !== undefined;
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
  async remove(id: string): Promise<Entry | null> {
    const removed = await this.#store.remove(id);
    this.#show(id, undefined);
    this.#tell(id);
    return removed;
  }

  /** Brings a recording back, which may have been deleted in the middle of being sent, or adds a whole one. */
  async restore(entry: Entry): Promise<void> {
    const { recording } = entry;
    const answers = entry.answers.map(settled);
    await this.#store.restore({ ...entry, answers });
    this.#show(recording.id, recording, answers);
    this.#tell(recording.id);
  }

  /** Deletes everything. */
  async clear(): Promise<void> {
    await this.#store.clear();
    this.recordings.set([]);
    this.answers.set([]);
    this.#tell(null);
  }

  /**
   * Settles a recording that a closed or crashed page left in the middle: what was recorded is kept, one that holds
   * no sound is dropped. Whoever calls owns the recording.
   * @returns true when something was left behind and is kept
   */
  async settle(id: string): Promise<boolean> {
    await this.#reread(id);
    if (this.get(id)?.state !== 'recording') return false; // another tab finished or deleted it
    const samples = await this.#store.samples(id);
    if (samples === 0) {
      await this.remove(id);
      return false;
    }
    await this.change(id, { seconds: samples / SAMPLE_RATE, state: 'kept' });
    return true;
  }

  /**
   * Settles an answer that a closed or crashed page was sending: it waits for somebody to send it. Whoever calls owns
   * the answer.
   * @returns true when it was left behind
   */
  async settleAnswer(recording: string, key: string): Promise<boolean> {
    await this.#reread(recording);
    if (this.answer(recording, key)?.state !== 'sending') return false; // another tab finished or deleted it
    await this.changeAnswer(recording, key, { state: 'waiting' });
    return true;
  }

  async #writeAnswer(
    recording: string,
    key: string,
    changes: Partial<Answer>,
    write: (changes: Partial<Answer>) => Promise<Answer | undefined>,
  ): Promise<void> {
    const changed = await this.#write(`${recording} ${key}`, changes, {
      write,
      ahead: (all) => {
        const known = this.answer(recording, key);
        if (known) this.#showAnswer(recording, key, { ...known, ...all });
      },
    });
    this.#showAnswer(recording, key, changed);
    this.#tell(recording);
  }

  /**
   * Writes changes, and with them those of the record that could not be written before.
   * @param ahead - called before this rejects
   * @returns what is stored then
   */
  async #write<T extends object>(
    name: string,
    changes: Partial<T>,
    { write, ahead }: Writing<T>,
  ): Promise<T | undefined> {
    const all = { ...this.#unwritten.get(name), ...changes };
    try {
      const changed = await write(all);
      this.#unwritten.delete(name);
      return changed;
    } catch (error) {
      this.#unwritten.set(name, all);
      ahead(all);
      throw error;
    }
  }

  /** @param changed - id of a recording that was changed in some way; null: all were deleted */
  #tell(changed: string | null): void {
    this.#tabs?.postMessage(changed);
  }

  async #hear(changed: string | null): Promise<void> {
    if (changed === null) {
      for (const { id } of this.recordings.value) await this.#reread(id);
      return;
    }
    await this.#reread(changed);
    this.heard.set(changed);
  }

  /** Shows a recording and its answers as they are stored. */
  async #reread(id: string): Promise<void> {
    const { recording, answers } = await this.#store.about(id);
    this.#show(id, recording, answers);
  }

  /**
   * @param recording - undefined: it is gone, and its answers with it
   * @param answers - all about it; as they are where this is left out
   */
  #show(id: string, recording: Recording | undefined, answers?: Answer[]): void {
    const others = this.recordings.value.filter((other) => other.id !== id);
    this.recordings.set(recording ? [...others, recording].sort(newestFirst) : others);
    if (recording && !answers) return;
    const otherAnswers = this.answers.value.filter((answer) => answer.recording !== id);
    this.answers.set([...otherAnswers, ...((recording && answers) ?? [])].sort(oldestFirst));
  }

  /** @param answer - undefined: it is gone */
  #showAnswer(recording: string, key: string, answer: Answer | undefined): void {
    const isIt = isAnswer(recording, key);
    const others = this.answers.value.filter((other) => !isIt(other));
    this.answers.set(answer ? [...others, answer].sort(oldestFirst) : others);
  }
}

interface Contents {
  recordings: Recording[];
  answers: Answer[];
}

interface Writing<T> {
  write: (changes: Partial<T>) => Promise<T | undefined>;
  ahead: (changes: Partial<T>) => void;
}

function newestFirst(a: Recording, b: Recording): number {
  return b.createdAt - a.createdAt;
}

function oldestFirst(a: Answer, b: Answer): number {
  return a.createdAt - b.createdAt;
}

function isAnswer(recording: string, key: string): (answer: Answer) => boolean {
  return (answer) => answer.recording === recording && answer.key === key;
}

/** An answer while nothing is being done with it. */
function settled(answer: Answer): Answer {
  return answer.state === 'sending' ? { ...answer, state: 'waiting' } : answer;
}
