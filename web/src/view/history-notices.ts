import { ArchiveError } from '../history/archive-error';
import type { Notice } from '../page/notice-board';

// What the history tells about each thing that can happen.

export function notSavedNotice(): Notice {
  return { topic: 'history', tone: 'error', text: (m) => m.notSaved };
}

export function notKeptNotice(): Notice {
  return { topic: 'history', tone: 'error', text: (m) => m.notKept };
}

export function copyFailedNotice(): Notice {
  return { topic: 'history', tone: 'error', text: (m) => m.copyFailed };
}

export function allDeletedNotice(): Notice {
  return { topic: 'deleted', tone: 'info', text: (m) => m.allDeleted };
}

export function stillRecordingNotice(): Notice {
  return { topic: 'history', tone: 'error', text: (m) => m.stillRecording };
}

export function importedNotice(added: number, present: number): Notice {
  return { topic: 'history', tone: 'info', text: (m) => m.imported(added, present) };
}

export function exportFailedNotice(error: unknown): Notice {
  return archiveNotice(error) ?? notSavedNotice();
}

export function importFailedNotice(error: unknown): Notice {
  return archiveNotice(error) ?? { topic: 'history', tone: 'error', text: (m) => m.importNotKept };
}

function archiveNotice(error: unknown): Notice | null {
  if (!(error instanceof ArchiveError)) return null;
  const { problem, part } = error;
  return {
    topic: 'history',
    tone: 'error',
    text: (m) => m.sentences([m.archive[problem], ...(part ? [m.damagedPart(part)] : [])]),
  };
}
