import { searching } from '../history/search';
import { MESSAGES } from '../messages';
import { write } from './buttons';
import { costOfAll } from './cost';
import { part } from './element';
import { HistoryItem } from './history-item';
import type { HistoryOptions } from './history-options';
import { mountHistoryToolbar } from './history-toolbar';

/** The recordings of this browser, newest first, as far as they match what is searched. */
export function mountHistory(options: HistoryOptions): void {
  const { library, language } = options;
  const title = part('#history-title');
  const list = part('.history-list');
  const empty = part('.history-empty');
  const box = part('.history-search');
  const search = part<HTMLInputElement>('[data-testid=search]');
  const found = part('[data-testid=found]');
  const cost = part('[data-testid=history-cost]');
  const items = new Map<string, HistoryItem>();

  const dropMissing = (present: Set<string>): void => {
    for (const [id, item] of items) {
      if (present.has(id)) continue;
      const place = [...list.children].indexOf(item.element);
      const focused = item.element.contains(document.activeElement);
      item.close();
      items.delete(id);
      if (!focused) continue;
      const next = [...list.querySelectorAll<HTMLElement>(':scope > li')].slice(place);
      (next.find(({ hidden }) => !hidden) ?? title).focus();
    }
  };
  const show = (): void => {
    const messages = MESSAGES[language.value];
    const recordings = library.recordings.value;
    dropMissing(new Set(recordings.map(({ id }) => id)));
    const matches = searching(search.value);
    let count = 0;
    recordings.forEach((recording, index) => {
      const answers = library.answersOf(recording.id);
      const item = items.get(recording.id) ?? new HistoryItem(recording, options);
      items.set(recording.id, item);
      item.update(recording, answers);
      item.element.hidden = !matches(recording, answers);
      if (!item.element.hidden) count++;
      // Moved only when it is elsewhere: moving an element stops its sound and loses the focus.
      if (list.children[index] !== item.element)
        list.insertBefore(item.element, list.children[index] ?? null);
    });
    search.placeholder = messages.search;
    empty.hidden = recordings.length > 0;
    box.hidden = recordings.length === 0;
    const searched = search.value.trim() !== '' && recordings.length > 0;
    write(found, searched ? messages.found(count, recordings.length) : '');
    found.hidden = false; // a live region that is hidden is not read
    write(cost, costOfAll(library.answers.value, language.value, messages));
  };
  search.addEventListener('input', show);
  library.recordings.subscribe(show);
  library.answers.subscribe(show);
  language.subscribe(show);
  mountHistoryToolbar(options);
}
