import { type Answer, newAnswer, TRANSCRIBE } from './answer';
import type { Recording } from './recording';

/** A recording for tests. */
export function testRecording(changes: Partial<Recording> = {}): Recording {
  return { id: 'a', createdAt: 1000, name: null, sound: 'pcm', seconds: 2, state: 'kept', ...changes };
}

/** An answer for tests, the transcript of the recording above. */
export function testAnswer(changes: Partial<Answer> = {}): Answer {
  return {
    ...newAnswer('a', TRANSCRIBE),
    createdAt: 1000,
    state: 'done',
    text: 'hello',
    ...changes,
  };
}
