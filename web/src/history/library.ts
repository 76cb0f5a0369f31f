import { Observable } from '../page/observable';
import { BYTES_PER_SECOND } from '../sound/pcm';
import { wavFile } from '../sound/wav';
import { type Recording, settledState } from './recording';
import type { Removed, Store } from './store';

/** The history as the page shows it: what the store holds, told to observers after every change. */
export class Library {
  /** Newest first. */
  readonly recordings: Observable<Recording[]>;
  readonly #store: Store;

  private constructor(store: Store, recordings: Recording[]) {
    this.#store = store;
    this.recordings = new Observable(recordings);
  }

  static async load(store: Store): Promise<Library> {
    return new Library(store, await store.list());
  }

  get(id: string): Recording | undefined {
    return this.recordings.value.find((recording) => recording.id === id);
  }

  /** Keeps a recording, new or changed. */
  async put(recording: Recording): Promise<void> {
    await this.#store.put(recording);
    this.#show(recording);
  }

  /** Keeps changes of a recording; without effect when it was deleted meanwhile. */
  async change(id: string, changes: Partial<Recording>): Promise<void> {
    const recording = this.get(id);
    if (!recording) return;
    const changed = { ...recording, ...changes };
    await this.#store.put(changed);
    if (this.get(id)) this.#show(changed);
  }

  /** Keeps a chosen file with its bytes. */
  async addFile(recording: Recording, bytes: ArrayBuffer): Promise<void> {
    await this.restore({ recording, audio: [bytes] });
  }

  append(id: string, index: number, pcm: ArrayBuffer): Promise<void> {
    return this.#store.append(id, index, pcm);
  }

  /** The audio as one file: a WAV of what was recorded, or the chosen file as it was. */
  async audio(recording: Recording): Promise<Blob> {
    const pieces = await this.#store.audio(recording.id);
    return recording.file ? new Blob(pieces, { type: recording.file.type }) : wavFile(pieces);
  }

  /** Deletes a recording and hands it over, so that it can be restored. */
  async remove(id: string): Promise<Removed | null> {
    // First from the list: a change that is under way would bring it back otherwise.
    this.recordings.set(this.recordings.value.filter((recording) => recording.id !== id));
    return this.#store.remove(id);
  }

  /** Brings a recording back; it may have been deleted in the middle of being sent. */
  async restore({ recording, audio }: Removed): Promise<void> {
    const state = recording.state === 'sending' ? settledState(recording) : recording.state;
    const restored = { ...recording, state };
    await this.#store.restore({ recording: restored, audio });
    this.#show(restored);
  }

  /**
   * Settles a recording that a closed or crashed page left in the middle of something: what was recorded
   * is kept as not sent, one that holds no sound is dropped. Whoever calls owns the recording.
   * @returns true when something was left behind and is kept
   */
  async settle(id: string): Promise<boolean> {
    const recording = await this.#store.get(id);
    if (!recording) {
      await this.remove(id);
      return false;
    }
    if (recording.state !== 'recording' && recording.state !== 'sending') {
      this.#show(recording); // another tab finished it
      return false;
    }
    let { seconds } = recording;
    if (recording.state === 'recording') {
      const bytes = (await this.#store.audio(id)).reduce((sum, piece) => sum + piece.byteLength, 0);
      if (bytes === 0) {
        await this.remove(id);
        return false;
      }
      seconds = bytes / BYTES_PER_SECOND;
    }
    await this.put({ ...recording, seconds, state: settledState(recording) });
    return true;
  }

  #show(recording: Recording): void {
    const others = this.recordings.value.filter(({ id }) => id !== recording.id);
    this.recordings.set([...others, recording].sort((a, b) => b.createdAt - a.createdAt));
  }
}
