import { type Answer, type Prompt, promptKey } from '../history/answer';
import { Observable } from '../page/observable';
import type { Failure } from '../service/service-error';
import type { Asking, OpenQuestion, Progress } from './asking';
import { Lanes } from './lanes';
import { Question, type Sending } from './question';

/** Requests at once: the service hears them together, but each of them has to be uploaded as well. */
const LANES = 3;

export interface OutboxOptions extends Omit<Sending, 'lanes' | 'onProgress' | 'onShut' | 'onFailure'> {
  /** An answer could not be had; what there is of it is kept. */
  onFailure: (answer: Answer, failure: Failure) => void;
}

/**
 * Asks the service about recordings, each of them and each prompt once at a time, and tries again what may pass. A
 * series of tries begins only when somebody wants it or the network is back, and it ends.
 */
export class Outbox implements Asking {
  readonly progress = new Observable<ReadonlyMap<string, Progress>>(new Map());
  /** The recording and prompt that were asked about last; null before there are any. */
  readonly latest = new Observable<{ recording: string; key: string } | null>(null);
  readonly #sending: Sending;
  readonly #questions = new Map<string, Question>();

  constructor(options: OutboxOptions) {
    this.#sending = {
      ...options,
      lanes: new Lanes(LANES),
      onProgress: (name, progress) => this.#tell(name, progress),
      onShut: (failure) => {
        for (const question of this.#questions.values()) question.stop(failure);
      },
    };
  }

  async ask(recording: string, prompt: Prompt): Promise<void> {
    const known = this.#questions.get(nameOf(recording, prompt));
    if (known) {
      known.now();
      return known.finished;
    }
    if (this.#sending.library.get(recording)?.state !== 'kept') return;
    return this.#begin(recording, prompt, false).finished;
  }

  open(recording: string, prompt: Prompt): OpenQuestion {
    const question = this.#begin(recording, prompt, true);
    return {
      add: (stretch) => question.add(stretch),
      close: () => {
        question.close();
        return question.finished;
      },
      breakOff: () => question.breakOff(),
      abandon: () => question.cancel(),
    };
  }

  cancel(recording: string, key: string): void {
    const name = `${recording} ${key}`;
    this.#questions.get(name)?.cancel();
    this.#tell(name, null);
  }

  sendWaiting(): void {
    this.#sending.wakeup.again();
    for (const question of this.#questions.values()) question.now();
    for (const { recording, prompt, state } of this.#sending.library.answers.value) {
      if (state === 'waiting') void this.ask(recording, prompt);
    }
  }

  #begin(recording: string, prompt: Prompt, live: boolean): Question {
    const question = new Question(this.#sending, recording, prompt, live);
    this.#questions.set(question.name, question);
    this.latest.set({ recording, key: promptKey(prompt) });
    void question.finished.finally(() => this.#questions.delete(question.name));
    return question;
  }

  #tell(name: string, progress: Progress | null): void {
    const all = new Map(this.progress.value);
    if (progress) all.set(name, progress);
    else if (!all.delete(name)) return;
    this.progress.set(all);
  }
}

function nameOf(recording: string, prompt: Prompt): string {
  return `${recording} ${promptKey(prompt)}`;
}
