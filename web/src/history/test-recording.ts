import type { Recording } from './recording';

/** A recording for tests. */
export function testRecording(changes: Partial<Recording> = {}): Recording {
  return {
    id: 'a',
    createdAt: 1000,
    file: null,
    seconds: 2,
    state: 'recorded',
    result: null,
    partial: '',
    failure: null,
    ...changes,
  };
}
