import type { Recording } from '../history/recording';
import type { Messages } from '../messages';
import { FileError, MAX_DECODED_SECONDS } from '../recording/chosen-file';
import type { StartProblem } from '../recording/dictation';
import type { EndReason } from '../recording/recorder';
import type { Failure } from '../service/service-error';
import type { OpenSettings } from '../view/settings-dialog';
import { type Config, ConfigError } from './config';
import { failureText } from './failure-text';
import type { Notice } from './notice-board';
import { clock, megabytes } from './quantities';

// What the page tells about each thing that can happen, in one place, so that wording and tone agree.

export function configNotice(error: unknown): Notice {
  const detail = error instanceof ConfigError && error.kind === 'invalid' ? error.message : null;
  return {
    topic: 'config',
    tone: 'error',
    permanent: true,
    text: (m) => (detail === null ? m.configMissing : m.configInvalid(detail)),
  };
}

export function storageBlockedNotice(): Notice {
  return { topic: 'storage', tone: 'error', permanent: true, text: (m) => m.storageBlocked };
}

export function storageHeldNotice(): Notice {
  return { topic: 'storage', tone: 'info', permanent: true, text: (m) => m.storageHeld };
}

export function storageReleasedNotice(): Notice {
  return { topic: 'storage', tone: 'error', permanent: true, text: (m) => m.storageReleased };
}

export function startNotice(problem: StartProblem): Notice {
  return { topic: 'recording', tone: 'error', text: (m) => m.start[problem] };
}

/**
 * @param longest - seconds a recording may have
 * @param send - sends what is kept; offered where that does not happen by itself
 * @returns null where the recording simply ended as asked
 */
export function endNotice(
  recording: Recording | null,
  reason: EndReason,
  longest: number,
  send: (() => void) | null,
): Notice | null {
  if (reason === 'discarded') return null;
  if (!recording) return { topic: 'recording', tone: 'error', text: (m) => m.endedEmpty };
  if (reason === 'stopped') return null;
  if (reason === 'limit')
    return { topic: 'recording', tone: 'info', text: (m) => m.end.limit(clock(longest)) };
  const text = (m: Messages): string => m.end[reason];
  return send
    ? { topic: 'recording', tone: 'error', text, action: { label: (m) => m.send, run: send } }
    : { topic: 'recording', tone: 'error', text };
}

/** @param send - sends what somebody did not want to be sent while it was spoken */
export function notSentNotice(send: () => void): Notice {
  return {
    topic: 'recording',
    tone: 'info',
    text: (m) => m.kept,
    action: { label: (m) => m.send, run: send },
  };
}

export function discardedNotice(undo: () => void): Notice {
  return { topic: 'discarded', tone: 'info', text: (m, count) => m.discarded(count), undo: [undo] };
}

/** @param name - of the microphone that is used instead */
export function otherMicrophoneNotice(name: string): Notice {
  return { topic: 'recording', tone: 'info', text: (m) => m.otherMicrophone(name) };
}

/**
 * @param longest - seconds that can be asked about at once
 * @param send - sends it again
 */
export function failureNotice(failure: Failure, longest: number, send: () => void): Notice {
  if (failure.kind === 'too-large') {
    const text = (m: Messages): string =>
      m.sentences([failureText(failure, m), m.longestOfTask(clock(longest)), m.kept]);
    return { topic: 'sending', tone: 'error', text }; // it would not become smaller
  }
  return {
    topic: 'sending',
    tone: 'error',
    text: (m) => m.sentences([failureText(failure, m), m.kept]),
    action: { label: (m) => m.sendAgain, run: send },
  };
}

/** What to do where the service does not know who asks; null where that is not what is wrong. */
export function accessNotice({ auth }: Config, failure: Failure, open: OpenSettings): Notice | null {
  const refused = failure.kind === 'key-missing' || failure.kind === 'unauthorized';
  if (!refused || auth === 'none') return null;
  const google = auth === 'firebase';
  return {
    topic: 'sending',
    tone: 'error',
    text: (m) => m.sentences([google ? m.signedOut : failureText(failure, m), m.kept]),
    action: {
      label: (m) => (google ? m.signIn : m.enterKey),
      run: () => open(google ? 'sign-in' : 'api-key'),
    },
  };
}

/**
 * @param failed - files that were not taken, and why
 * @param maxBytes - largest file the deployment takes
 */
export function filesNotice(failed: { file: File; error: unknown }[], maxBytes: number): Notice {
  return {
    topic: 'files',
    tone: 'error',
    text: (m) =>
      m.sentences(failed.map(({ file, error }) => m.ofFile(file.name, fileText(error, file, maxBytes)(m)))),
  };
}

function fileText(error: unknown, file: File, maxBytes: number): (messages: Messages) => string {
  const problem = error instanceof FileError ? error.problem : 'unreadable';
  const texts: Record<typeof problem, (m: Messages) => string> = {
    'too-large': (m) => m.fileTooLarge(megabytes(file.size), megabytes(maxBytes)),
    'too-long': (m) => m.fileTooLong(clock(MAX_DECODED_SECONDS)),
    empty: (m) => m.fileEmpty,
    unreadable: (m) => m.fileUnreadable,
    storage: (m) => m.start.storage,
  };
  return texts[problem];
}

export function recoveredNotice(): Notice {
  return { topic: 'recovered', tone: 'info', text: (m) => m.recovered };
}

export function deletedNotice(undo: () => void): Notice {
  return { topic: 'deleted', tone: 'info', text: (m, count) => m.deleted(count), undo: [undo] };
}
