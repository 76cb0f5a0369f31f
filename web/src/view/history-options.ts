import type { Library } from '../history/library';
import type { Language } from '../messages';
import type { Notice } from '../page/notice-board';
import type { Observable } from '../page/observable';
import type { Asking } from '../sending/asking';
import type { TaskPanel } from './task-panel';

/** What the history works with. */
export interface HistoryOptions {
  library: Library;
  language: Observable<Language>;
  /** Null where there is no service to ask. */
  asking: Pick<Asking, 'progress' | 'ask' | 'cancel' | 'sendWaiting'> | null;
  /** Where the person chooses what else to ask; null where that cannot be chosen. */
  task: Pick<TaskPanel, 'locked' | 'about'> | null;
  /** Tells what happened. */
  tell: (notice: Notice) => void;
}
