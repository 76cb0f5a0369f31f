import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { BYTES_PER_SECOND, SAMPLE_RATE } from '../sound/pcm';
import type { Answer, Part, Stretch } from './answer';
import type { Recording } from './recording';
import { upgradeFirstVersion } from './upgrade';

/** What the database holds from version 2 on. */
export interface Schema extends DBSchema {
  recordings: { key: string; value: Recording };
  /**
   * Sound as ArrayBuffers, because Safari loses Blobs: whole seconds of PCM, of which the last one may be shorter, or
   * one entry with the whole file.
   */
  audio: { key: [id: string, index: number]; value: ArrayBuffer };
  answers: { key: [recording: string, key: string]; value: Answer };
  parts: { key: [recording: string, key: string, from: number]; value: Part };
}

/** A recording and all that is kept with it. */
export interface Entry {
  recording: Recording;
  audio: ArrayBuffer[];
  answers: Answer[];
  parts: Part[];
}

export interface StoreOptions {
  name?: string;
  /** Another tab holds an older version and has to let go of it first; opening goes on by itself then. */
  onBlocked?: () => void;
  /** A newer page wants to upgrade: resolves when this page can do without the store, which is closed for good then. */
  release?: () => Promise<void>;
}

const NAME = 'kikitori';
const VERSION = 2;
const STORES = ['recordings', 'audio', 'answers', 'parts'] as const;

/**
 * The history of this browser in IndexedDB. Every method rejects with the browser's DOMException, e.g.
 * `QuotaExceededError` where the disk is full. Writes happen in the order of their calls.
 */
export class Store {
  readonly #database: IDBPDatabase<Schema>;

  private constructor(database: IDBPDatabase<Schema>) {
    this.#database = database;
  }

  static async open({ name = NAME, onBlocked, release }: StoreOptions = {}): Promise<Store> {
    const database = await openDB<Schema>(name, VERSION, {
      async upgrade(upgrading, from, _to, transaction) {
        if (from < 1) {
          upgrading.createObjectStore('recordings', { keyPath: 'id' });
          upgrading.createObjectStore('audio');
        }
        upgrading.createObjectStore('answers', { keyPath: ['recording', 'key'] });
        upgrading.createObjectStore('parts', { keyPath: ['recording', 'key', 'from'] });
        if (from === 1) await upgradeFirstVersion(transaction);
      },
      blocked: () => onBlocked?.(),
      // Holding on for ever would keep the newer page from opening.
      blocking: (_current, _next, event) =>
        void Promise.resolve(release?.()).then(() => (event.target as IDBDatabase).close()),
    });
    return new Store(database);
  }

  async contents(): Promise<{ recordings: Recording[]; answers: Answer[] }> {
    const transaction = this.#database.transaction(['recordings', 'answers']);
    const [recordings, answers] = await Promise.all([
      transaction.objectStore('recordings').getAll(),
      transaction.objectStore('answers').getAll(),
    ]);
    return { recordings, answers };
  }

  recording(id: string): Promise<Recording | undefined> {
    return this.#database.get('recordings', id);
  }

  answer(recording: string, key: string): Promise<Answer | undefined> {
    return this.#database.get('answers', [recording, key]);
  }

  /** A recording with the answers about it; `recording` is undefined where it is not here. */
  async about(id: string): Promise<{ recording: Recording | undefined; answers: Answer[] }> {
    const transaction = this.#database.transaction(['recordings', 'answers']);
    const [recording, answers] = await Promise.all([
      transaction.objectStore('recordings').get(id),
      transaction.objectStore('answers').getAll(keysUnder([id])),
    ]);
    return { recording, answers };
  }

  /** Keeps a new recording. */
  async putRecording(recording: Recording): Promise<void> {
    await this.#database.put('recordings', recording);
  }

  /**
   * Changes a recording as it is stored, whoever stored it.
   * @returns what is stored then; undefined, and nothing is written, where it was deleted
   */
  async changeRecording(id: string, changes: Partial<Recording>): Promise<Recording | undefined> {
    const transaction = this.#database.transaction('recordings', 'readwrite');
    const stored = await transaction.store.get(id);
    const changed = stored && { ...stored, ...changes };
    await Promise.all([changed && transaction.store.put(changed), transaction.done]);
    return changed;
  }

  /**
   * Keeps an answer.
   * @param changes - what is written where it is stored already
   * @returns what is stored then; undefined, and nothing is written, where its recording was deleted
   */
  async putAnswer(answer: Answer, changes: Partial<Answer> = answer): Promise<Answer | undefined> {
    const { recording, key } = answer;
    const transaction = this.#database.transaction(['recordings', 'answers'], 'readwrite');
    const answers = transaction.objectStore('answers');
    const [count, stored] = await Promise.all([
      transaction.objectStore('recordings').count(recording),
      answers.get([recording, key]),
    ]);
    const kept = count === 0 ? undefined : stored ? { ...stored, ...changes } : answer;
    await Promise.all([kept && answers.put(kept), transaction.done]);
    return kept;
  }

  /** Changes an answer as `changeRecording` does a recording. */
  async changeAnswer(recording: string, key: string, changes: Partial<Answer>): Promise<Answer | undefined> {
    const transaction = this.#database.transaction('answers', 'readwrite');
    const stored = await transaction.store.get([recording, key]);
    const changed = stored && { ...stored, ...changes };
    await Promise.all([changed && transaction.store.put(changed), transaction.done]);
    return changed;
  }

  /** Keeps a part, new or answered; without effect where its answer was deleted. */
  async putPart(part: Part): Promise<void> {
    const transaction = this.#database.transaction(['answers', 'parts'], 'readwrite');
    const wanted = await transaction.objectStore('answers').count([part.recording, part.key]);
    await Promise.all([wanted > 0 && transaction.objectStore('parts').put(part), transaction.done]);
  }

  /** Keeps one more piece of sound; resolves when it is safe even from a loss of power. */
  async append(id: string, index: number, audio: ArrayBuffer): Promise<void> {
    const transaction = this.#database.transaction('audio', 'readwrite', { durability: 'strict' });
    await Promise.all([transaction.store.put(audio, [id, index]), transaction.done]);
  }

  /**
   * The pieces of sound in their order; none for an unknown id.
   * @param stretch - of PCM only: the pieces are cut to it, and to what there is
   */
  async sound(id: string, stretch?: Stretch): Promise<ArrayBuffer[]> {
    if (!stretch) return this.#database.getAll('audio', keysUnder([id]));
    const { from, to } = stretch;
    if (to <= from) return [];
    const first = Math.floor(from / SAMPLE_RATE);
    const last = Math.floor((to - 1) / SAMPLE_RATE);
    const pieces = await this.#database.getAll('audio', IDBKeyRange.bound([id, first], [id, last]));
    return pieces.map((piece, index) => {
      const start = (first + index) * SAMPLE_RATE;
      return piece.slice(Math.max(0, from - start) * 2, (to - start) * 2);
    });
  }

  /** Length of the PCM that is kept, in samples; 0 where there is none. */
  async samples(id: string): Promise<number> {
    const cursor = await this.#database.transaction('audio').store.openCursor(keysUnder([id]), 'prev');
    return cursor ? (cursor.key[1] * BYTES_PER_SECOND + cursor.value.byteLength) / 2 : 0;
  }

  /** The parts of an answer in the order of the recording. */
  parts(recording: string, key: string): Promise<Part[]> {
    return this.#database.getAll('parts', keysUnder([recording, key]));
  }

  /**
   * Puts a whole answer in the place of its parts.
   * @returns what is stored then; undefined, and nothing is written, where there are no parts any more
   */
  async finish(recording: string, key: string, changes: Partial<Answer>): Promise<Answer | undefined> {
    const transaction = this.#database.transaction(['answers', 'parts'], 'readwrite');
    const answers = transaction.objectStore('answers');
    const parts = transaction.objectStore('parts');
    const [stored, count] = await Promise.all([
      answers.get([recording, key]),
      parts.count(keysUnder([recording, key])),
    ]);
    const finished = stored && count > 0 ? { ...stored, ...changes } : undefined;
    await Promise.all([
      ...(finished ? [answers.put(finished), parts.delete(keysUnder([recording, key]))] : []),
      transaction.done,
    ]);
    return finished;
  }

  /** Deletes an answer with its parts. */
  async dropAnswer(recording: string, key: string): Promise<void> {
    const transaction = this.#database.transaction(['answers', 'parts'], 'readwrite');
    await Promise.all([
      transaction.objectStore('answers').delete([recording, key]),
      transaction.objectStore('parts').delete(keysUnder([recording, key])),
      transaction.done,
    ]);
  }

  /** Takes a recording out with all that is kept with it, and hands it over for `restore`. */
  async remove(id: string): Promise<Entry | null> {
    const transaction = this.#database.transaction(STORES, 'readwrite');
    const recordings = transaction.objectStore('recordings');
    const others = ['audio', 'answers', 'parts'] as const;
    const [recording, audio, answers, parts] = await Promise.all([
      recordings.get(id),
      transaction.objectStore('audio').getAll(keysUnder([id])),
      transaction.objectStore('answers').getAll(keysUnder([id])),
      transaction.objectStore('parts').getAll(keysUnder([id])),
    ]);
    await Promise.all([
      recordings.delete(id),
      ...others.map((name) => transaction.objectStore(name).delete(keysUnder([id]))),
      transaction.done,
    ]);
    return recording ? { recording, audio, answers, parts } : null;
  }

  /** Puts back what `remove` took out, or a new recording with all of its sound: everything or nothing. */
  async restore({ recording, audio, answers, parts }: Entry): Promise<void> {
    const transaction = this.#database.transaction(STORES, 'readwrite');
    await Promise.all([
      transaction.objectStore('recordings').put(recording),
      ...audio.map((piece, index) => transaction.objectStore('audio').put(piece, [recording.id, index])),
      ...answers.map((answer) => transaction.objectStore('answers').put(answer)),
      ...parts.map((part) => transaction.objectStore('parts').put(part)),
      transaction.done,
    ]);
  }

  /** Deletes everything. */
  async clear(): Promise<void> {
    const transaction = this.#database.transaction(STORES, 'readwrite');
    await Promise.all([...STORES.map((name) => transaction.objectStore(name).clear()), transaction.done]);
  }
}

/** All keys that begin with these: an array sorts after every number and text, so an empty one ends the range. */
function keysUnder(beginning: string[]): IDBKeyRange {
  return IDBKeyRange.bound(beginning, [...beginning, []]);
}
