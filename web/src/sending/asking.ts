import type { Prompt, Stretch } from '../history/answer';
import type { Observable } from '../page/observable';

/** How far an answer is. */
export interface Progress {
  /**
   * - `waiting`: for its turn, or for the network
   * - `waking`: for the service
   * - `uploading`, `hearing`, `writing`: sound on its way, being heard, text coming
   * - `pausing`: until `retryAt`, after a failure that may pass
   */
  status: 'waiting' | 'waking' | 'uploading' | 'hearing' | 'writing' | 'pausing';
  /** Share of the sound that is with the service, 0..1. */
  uploaded: number;
  /** What has arrived so far; it only grows. Untrusted. */
  text: string;
  /** Parts that are answered. */
  done: number;
  /** All parts; null while they are not known, as during a recording. */
  of: number | null;
  /** Milliseconds since 1970; null where nothing will be tried again by itself. */
  retryAt: number | null;
}

/** What recordings, the history and the task panel want of the outbox. */
export interface Asking {
  /** Of all answers under way, by `${recording} ${key}`. */
  readonly progress: Observable<ReadonlyMap<string, Progress>>;
  /**
   * Asks about a recording, whole, or in parts where it does not fit into one request or parts are there already.
   * A person wants it: failures of before count for nothing.
   */
  ask(recording: string, prompt: Prompt): Promise<void>;
  /** Begins to ask about a recording that is still being made. */
  open(recording: string, prompt: Prompt): OpenQuestion;
  /** Gives up; what the service is doing for it ends, and an older answer stays. */
  cancel(recording: string, key: string): void;
  /** Sends what waits. */
  sendWaiting(): void;
}

/** A question whose recording is still being made. */
export interface OpenQuestion {
  /** One more stretch of the recording, all of it stored. */
  add(stretch: Stretch): void;
  /** There are no more; resolves when the answer is whole or has failed. */
  close(): Promise<void>;
  /** The recording ended, and could not be kept as it should: what is answered stays, and the rest is not tried. */
  breakOff(): void;
  /** The recording is not wanted. */
  abandon(): void;
}
