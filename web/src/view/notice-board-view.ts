import { type Language, MESSAGES } from '../messages';
import type { Notice, NoticeBoard } from '../page/notice-board';
import type { Observable } from '../page/observable';
import { copyOf } from './buttons';
import { part } from './element';

/** The one place where the page tells what happened. */
export function mountNoticeBoard(board: NoticeBoard, language: Observable<Language>): void {
  const place = part('.notices');
  let shown = new Map<Notice, HTMLElement>();
  const add = (notice: Notice): HTMLElement => {
    const element = copyOf('#notice');
    element.dataset.topic = notice.topic;
    element.dataset.tone = notice.tone;
    // An alert interrupts a screen reader, a status waits for a pause.
    element.setAttribute('role', notice.tone === 'error' ? 'alert' : 'status');
    const { action, undo } = notice;
    part('.notice-action', element).addEventListener('click', () => {
      board.clear(notice.topic);
      action?.run();
      for (const takeBack of undo ?? []) takeBack();
    });
    part('.notice-close', element).addEventListener('click', () => board.clear(notice.topic));
    place.prepend(element);
    return element;
  };
  const write = (notice: Notice, element: HTMLElement): void => {
    const messages = MESSAGES[language.value];
    const { action, undo } = notice;
    part('.notice-text', element).textContent = notice.text(messages, undo?.length ?? 0);
    const button = part<HTMLButtonElement>('.notice-action', element);
    button.textContent = undo ? messages.undo : (action?.label(messages) ?? '');
    button.hidden = button.textContent === '';
    const close = part('.notice-close', element);
    close.setAttribute('aria-label', messages.dismiss);
    close.hidden = notice.permanent === true;
  };
  board.notices.subscribe((notices) => {
    for (const [notice, element] of shown) if (!notices.includes(notice)) element.remove();
    const known = shown;
    shown = new Map();
    for (const notice of [...notices].reverse()) {
      const element = known.get(notice) ?? add(notice);
      if (!known.has(notice)) write(notice, element);
      shown.set(notice, element);
    }
  });
  language.subscribe(() => {
    for (const [notice, element] of shown) write(notice, element);
  });
}
