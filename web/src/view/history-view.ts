import { searching } from '../history/search';
import { MESSAGES } from '../messages';
import { write } from './buttons';
import { costOfAll } from './cost';
import { part } from './element';
import { oncePerFrame } from './frames';
import type { Shown } from './history-answer';
import { HistoryItem } from './history-item';
import type { HistoryOptions } from './history-options';
import { mountHistoryToolbar } from './history-toolbar';

/** The recordings of this browser, newest first, as far as they match what is searched. */
export function mountHistory(options: HistoryOptions): void {
  const { library, language, asking, task } = options;
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
      const focused = item.element.contains(document.activeElement);
      const after = following(item.element);
      item.close();
      items.delete(id);
      if (focused) (after ?? title).focus();
    }
  };
  const show = (): void => {
    const messages = MESSAGES[language.value];
    const recordings = library.recordings.value;
    dropMissing(new Set(recordings.map(({ id }) => id)));
    const shown = new Map<string, Shown[]>(recordings.map(({ id }) => [id, []]));
    for (const answer of library.answers.value) {
      const progress = asking?.progress.value.get(`${answer.recording} ${answer.key}`);
      shown.get(answer.recording)?.push({ answer, progress });
    }
    const matches = searching(search.value);
    let count = 0;
    let next = list.firstElementChild;
    for (const recording of recordings) {
      const own = shown.get(recording.id) ?? [];
      const known = items.get(recording.id);
      known?.update(recording, own);
      const item = known ?? new HistoryItem(recording, own, options);
      items.set(recording.id, item);
      item.element.hidden = !matches(
        recording,
        own.map(({ answer }) => answer),
      );
      if (!item.element.hidden) count++;
      // Moved only when it is elsewhere: moving an element stops its sound and loses the focus.
      if (item.element === next) next = next.nextElementSibling;
      else list.insertBefore(item.element, next);
    }
    search.placeholder = messages.search;
    empty.hidden = recordings.length > 0;
    box.hidden = recordings.length === 0;
    const searched = search.value.trim() !== '' && recordings.length > 0;
    write(found, searched ? messages.found(count, recordings.length) : '');
    found.hidden = false; // a live region that is hidden is not read
    write(cost, costOfAll(library.answers.value, language.value, messages));
  };
  const showSoon = oncePerFrame(show);
  search.addEventListener('input', show);
  library.recordings.subscribe(showSoon);
  library.answers.subscribe(showSoon);
  asking?.progress.subscribe(showSoon);
  const showAll = (): void => {
    for (const item of items.values()) item.refresh();
    show();
  };
  language.subscribe(showAll);
  task?.locked.subscribe(showAll);
  mountHistoryToolbar(options);
}

/** The next element in sight after a card. */
function following(card: Element): HTMLElement | null {
  let next = card.nextElementSibling as HTMLElement | null;
  while (next?.hidden) next = next.nextElementSibling as HTMLElement | null;
  return next;
}
