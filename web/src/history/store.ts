import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Recording } from './recording';

interface Schema extends DBSchema {
  recordings: { key: string; value: Recording };
  /**
   * Audio as ArrayBuffers, because Safari loses Blobs: seconds of PCM for a recording, one entry with
   * the whole file for a file.
   */
  audio: { key: [id: string, index: number]; value: ArrayBuffer };
}

/** A recording together with its audio, as taken out of the store by `remove`. */
export interface Removed {
  recording: Recording;
  audio: ArrayBuffer[];
}

/**
 * The recordings of this browser in IndexedDB. Every method rejects with the browser's DOMException, e.g.
 * `QuotaExceededError` where the disk is full.
 */
export class Store {
  readonly #database: IDBPDatabase<Schema>;

  private constructor(database: IDBPDatabase<Schema>) {
    this.#database = database;
  }

  static async open(name = 'kikitori'): Promise<Store> {
    const database = await openDB<Schema>(name, 1, {
      upgrade(fresh) {
        fresh.createObjectStore('recordings', { keyPath: 'id' });
        fresh.createObjectStore('audio');
      },
      // A newer page in another tab wants to upgrade: holding on would block it for ever.
      blocking: (_current, _next, event) => (event.target as IDBDatabase).close(),
    });
    return new Store(database);
  }

  /** All recordings, newest first. */
  async list(): Promise<Recording[]> {
    const all = await this.#database.getAll('recordings');
    return all.sort((a, b) => b.createdAt - a.createdAt);
  }

  async get(id: string): Promise<Recording | undefined> {
    return this.#database.get('recordings', id);
  }

  async put(recording: Recording): Promise<void> {
    await this.#database.put('recordings', recording);
  }

  /** Keeps one more piece of audio; resolves when it is safe from a crash of the tab. */
  async append(id: string, index: number, audio: ArrayBuffer): Promise<void> {
    await this.#database.put('audio', audio, [id, index]);
  }

  /** The pieces of audio in their order; none for an unknown id. */
  async audio(id: string): Promise<ArrayBuffer[]> {
    return this.#database.getAll('audio', piecesOf(id));
  }

  /** Takes a recording and its audio out, and hands them over for `restore`. */
  async remove(id: string): Promise<Removed | null> {
    const transaction = this.#database.transaction(['recordings', 'audio'], 'readwrite');
    const recordings = transaction.objectStore('recordings');
    const pieces = transaction.objectStore('audio');
    const [recording, audio] = await Promise.all([recordings.get(id), pieces.getAll(piecesOf(id))]);
    await Promise.all([recordings.delete(id), pieces.delete(piecesOf(id)), transaction.done]);
    return recording ? { recording, audio } : null;
  }

  /** Puts back what `remove` took out, or a new recording with all of its audio: both or neither. */
  async restore({ recording, audio }: Removed): Promise<void> {
    const transaction = this.#database.transaction(['recordings', 'audio'], 'readwrite');
    await Promise.all([
      transaction.objectStore('recordings').put(recording),
      ...audio.map((piece, index) => transaction.objectStore('audio').put(piece, [recording.id, index])),
      transaction.done,
    ]);
  }
}

function piecesOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]);
}
