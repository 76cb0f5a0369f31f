import { promptKey, TRANSCRIBE } from '../history/answer';
import type { Library } from '../history/library';
import type { Language } from '../messages';
import type { Observable } from '../page/observable';
import { part } from './element';
import { type HistoryActions, HistoryItem } from './history-item';

const TRANSCRIPT = promptKey(TRANSCRIBE);

/** The list of recordings, newest first. */
export function mountHistory(
  library: Library,
  language: Observable<Language>,
  actions: HistoryActions,
): void {
  const list = part('.history-list');
  const empty = part('.history-empty');
  const items = new Map<string, HistoryItem>();
  const show = (): void => {
    const recordings = library.recordings.value;
    const present = new Set(recordings.map(({ id }) => id));
    for (const [id, item] of items) {
      if (present.has(id)) continue;
      item.close();
      items.delete(id);
    }
    recordings.forEach((recording, index) => {
      const answer = library.answer(recording.id, TRANSCRIPT);
      const item = items.get(recording.id) ?? new HistoryItem(recording, answer, language.value, actions);
      items.set(recording.id, item);
      item.update(recording, answer, language.value);
      // Moved only when it is elsewhere: moving an element stops its sound and loses the focus.
      if (list.children[index] !== item.element)
        list.insertBefore(item.element, list.children[index] ?? null);
    });
    empty.hidden = recordings.length > 0;
  };
  library.recordings.subscribe(show);
  library.answers.subscribe(show);
  language.subscribe(show);
}
