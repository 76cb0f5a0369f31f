import { isAnswered, newAnswer, promptKey, TRANSCRIBE } from '../history/answer';
import type { Library } from '../history/library';
import { answerName, type Ownership } from '../history/ownership';
import type { Recording } from '../history/recording';
import type { Limits } from '../page/config';
import { Observable } from '../page/observable';
import type { Service } from '../service/service';
import { type Failure, ServiceError } from '../service/service-error';
import { maxFileBytes } from './upload-limits';

const KEY = promptKey(TRANSCRIBE);

/** The transcript that is arriving, or the last one that arrived. */
export interface Progress {
  id: string;
  text: string;
  /** Nothing more comes. `failed`: what is there is not all. */
  status: 'waiting' | 'streaming' | 'done' | 'failed';
  noSpeech: boolean;
}

export interface OutboxOptions {
  library: Library;
  ownership: Ownership;
  service: Pick<Service, 'transcribe'>;
  limits: Limits;
  /** Sending begins; the returned function is called when nothing is left to send. */
  onSending: () => () => void;
  /** A recording could not be sent; it is kept. */
  onFailure: (recording: Recording, failure: Failure) => void;
}

/** Sends recordings one after the other: one GPU answers them, so more at once would only wait longer. */
export class Outbox {
  /** Null until something was sent. */
  readonly progress = new Observable<Progress | null>(null);
  readonly #options: OutboxOptions;
  readonly #waiting: string[] = [];
  #current: { id: string; abort: AbortController } | null = null;
  #running: Promise<void> | null = null;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Sends a recording, again if it was sent before. Resolves when the outbox is empty again. */
  send(id: string): Promise<void> {
    if (this.#current?.id !== id && !this.#waiting.includes(id)) {
      this.#waiting.push(id);
      const { library } = this.#options;
      const answer = library.answer(id, KEY) ?? newAnswer(id, TRANSCRIBE);
      // Shown at once, though its turn may come later. Where it cannot be kept, sending will say so.
      library.putAnswer({ ...answer, state: 'sending' }).catch(() => {});
    }
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Gives up sending a recording and shows nothing of it any more; it stays kept as it was before. */
  cancel(id: string): void {
    const place = this.#waiting.indexOf(id);
    if (place >= 0) {
      this.#waiting.splice(place, 1);
      this.#settle(id);
    }
    if (this.#current?.id === id) this.#current.abort.abort();
    if (this.progress.value?.id === id) this.progress.set(null);
  }

  async #run(): Promise<void> {
    const finished = this.#options.onSending();
    try {
      for (let id = this.#waiting.shift(); id !== undefined; id = this.#waiting.shift()) await this.#send(id);
    } finally {
      finished();
    }
  }

  async #send(id: string): Promise<void> {
    const { library, ownership } = this.#options;
    const release = await ownership.take(answerName(id, KEY));
    const recording = library.get(id);
    if (!release || !recording) {
      await release?.(); // deleted meanwhile, or another tab is sending it
      return;
    }
    const abort = new AbortController();
    this.#current = { id, abort };
    try {
      await library.changeAnswer(id, KEY, { state: 'sending', failure: null, partial: '' });
      const { seconds, ...result } = await this.#transcribe(recording, abort.signal);
      await library.changeAnswer(id, KEY, { state: 'done', ...result });
      await library.change(id, { seconds: recording.seconds ?? seconds });
      this.progress.set({ id, ...result, status: 'done' });
    } catch (error) {
      await this.#fail(recording, abort.signal.aborted ? null : failureOf(error));
    } finally {
      this.#current = null;
      await release();
    }
  }

  async #transcribe(recording: Recording, signal: AbortSignal) {
    const { library, service, limits } = this.#options;
    const { id } = recording;
    const audio = await library.audio(recording);
    if (audio.size > maxFileBytes(limits)) throw new ServiceError('too-large');
    if (signal.aborted) throw new ServiceError('aborted');
    let text = '';
    this.progress.set({ id, text, status: 'waiting', noSpeech: false });
    return service.transcribe(
      audio,
      uploadName(recording),
      (delta) => {
        // Models begin with a space, which the finished text lacks.
        text = (text + delta).trimStart();
        this.progress.set({ id, text, status: 'streaming', noSpeech: false });
      },
      signal,
    );
  }

  /** @param failure - null when it was given up here */
  async #fail(recording: Recording, failure: Failure | null): Promise<void> {
    const { id } = recording;
    if (!failure) return this.#settle(id);
    const progress = this.progress.value?.id === id ? this.progress.value : null;
    if (progress) this.progress.set({ ...progress, status: 'failed' });
    const changes = { state: 'failed', failure, partial: progress?.text ?? '' } as const;
    // Where even this cannot be kept, the page says so, and the next load settles the entry.
    await this.#options.library.changeAnswer(id, KEY, changes).catch(() => {});
    this.#options.onFailure(recording, failure);
  }

  async #settle(id: string): Promise<void> {
    const { library } = this.#options;
    const answer = library.answer(id, KEY);
    if (!answer) return;
    const settled = isAnswered(answer)
      ? library.changeAnswer(id, KEY, { state: 'done' })
      : library.dropAnswer(id, KEY);
    await settled.catch(() => {});
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof ServiceError) return error.failure;
  return { kind: 'storage', detail: null, retryAfter: null };
}

function uploadName(recording: Recording): string {
  if (recording.name !== null) return recording.name;
  // Colons and dots would trouble file systems.
  return `recording-${new Date(recording.createdAt).toISOString().slice(0, 19).replaceAll(':', '-')}.wav`;
}
