import type { Messages } from '../messages';
import { Observable } from './observable';

/** What a notice is about. */
export type Topic =
  | 'config'
  | 'storage'
  | 'recovered'
  | 'recording'
  | 'discarded'
  | 'files'
  | 'sending'
  | 'history'
  | 'deleted';

export interface Notice {
  topic: Topic;
  tone: 'info' | 'error';
  /** @param count - how much `undo` takes back */
  text: (messages: Messages, count: number) => string;
  /** One thing to do about it. */
  action?: { label: (messages: Messages) => string; run: () => void };
  /** Each takes one thing back. They are offered together, in the place of an action. */
  undo?: (() => void)[];
  /** It stays: there is nothing the reader can do to make it untrue. */
  permanent?: boolean;
}

/** What the page tells at present, the newest first. One notice of each topic: a newer one takes the older one's place. */
export class NoticeBoard {
  readonly notices = new Observable<readonly Notice[]>([]);

  /** What the older notice of the topic could take back, the newer one takes back too. */
  tell(news: Notice): void {
    const older = this.notices.value.find(({ topic }) => topic === news.topic);
    const notice = news.undo ? { ...news, undo: [...(older?.undo ?? []), ...news.undo] } : news;
    this.notices.set([notice, ...this.#others(news.topic)]);
  }

  /** Takes the notice of a topic away, where there is one. */
  clear(topic: Topic): void {
    this.notices.set(this.#others(topic));
  }

  #others(topic: Topic): Notice[] {
    return this.notices.value.filter((notice) => notice.topic !== topic);
  }
}
