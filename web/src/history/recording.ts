import type { Failure } from '../service/service-error';

/**
 * Where a recording stands.
 * - `recording`: the microphone is on
 * - `recorded`: kept here, not sent yet
 * - `sending`: on its way, or waiting for its turn
 * - `done`: transcribed
 * - `failed`: the last try failed, for the reason in `failure`
 */
export type RecordingState = 'recording' | 'recorded' | 'sending' | 'done' | 'failed';

/** One entry of the history, as it is kept in the browser. Its audio is kept beside it, under the same id. */
export interface Recording {
  id: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** A file keeps its name and media type, which are untrusted texts; a recording of this page has neither. */
  file: { name: string; type: string } | null;
  /** Length in seconds; null while unknown, as for a file that was never sent. */
  seconds: number | null;
  state: RecordingState;
  /** What the last complete answer said. */
  result: Result | null;
  /** What had arrived of an answer that broke off; empty otherwise. */
  partial: string;
  failure: Failure | null;
}

export interface Result {
  text: string;
  /** The service heard nobody speak. */
  noSpeech: boolean;
}

/** The state a recording has while nothing is being done with it and nothing went wrong just now. */
export function settledState(recording: Recording): 'recorded' | 'done' {
  return recording.result ? 'done' : 'recorded';
}
