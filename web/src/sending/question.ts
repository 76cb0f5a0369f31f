import { type Answer, isAnswered, newAnswer, type Prompt, promptKey, type Stretch } from '../history/answer';
import type { Library } from '../history/library';
import { answerName, type Ownership } from '../history/ownership';
import type { Recording } from '../history/recording';
import type { Model } from '../page/config';
import type { Reply, Service } from '../service/service';
import { type Failure, ServiceError } from '../service/service-error';
import type { Usage } from '../service/usage';
import { SAMPLE_RATE } from '../sound/pcm';
import type { Segmenter } from '../sound/segmenter';
import { WAV_HEADER_BYTES } from '../sound/wav';
import type { Progress } from './asking';
import { delayBefore, isShut, mayPass } from './backoff';
import { joinReplies, joinTexts } from './joining';
import type { Lanes } from './lanes';
import { longestSamples, maxFileBytes, mayBeCut, routeOf, wording } from './prompt';
import type { Wakeup } from './wakeup';

/** What all questions of a page share. */
export interface Sending {
  library: Library;
  ownership: Ownership;
  service: Pick<Service, 'ask'>;
  wakeup: Pick<Wakeup, 'want' | 'ready' | 'heard' | 'again'>;
  model: Model;
  lanes: Lanes;
  /** Cuts what does not fit into one request, from that sample on. */
  segmenter: (from: number) => Pick<Segmenter, 'push' | 'end'>;
  onProgress: (name: string, progress: Progress | null) => void;
  onUsage: (usage: Usage | null) => void;
  /** Sending has ended without an answer; what there is of it is kept. */
  onFailure: (answer: Answer, failure: Failure) => void;
  /** The service does not let this page in, or there is no network: that holds for all questions. */
  onShut: (failure: Failure) => void;
}

/** A stretch of the recording, or all of it, on its way. */
interface Piece {
  /** Null: the whole recording in one request. */
  stretch: Stretch | null;
  reply: Reply | null;
  status: Progress['status'];
  uploaded: number;
  text: string;
  retryAt: number | null;
  failure: Failure | null;
  /** Resolves when it is answered, has failed or was given up; null before it was ever tried. */
  run: Promise<void> | null;
}

const STORAGE: Failure = { kind: 'storage', detail: null, retryAfter: null };
/** PCM that is read at once to be cut, samples. */
const READ = 60 * SAMPLE_RATE;

/** One answer while it is being made: the only place that writes it. */
export class Question {
  readonly name: string;
  /** Resolves when the answer is whole, has failed or was given up. */
  readonly finished: Promise<void>;
  readonly #sending: Sending;
  readonly #recording: string;
  readonly #prompt: Prompt;
  readonly #key: string;
  readonly #abort = new AbortController();
  #pieces: Piece[] = [];
  /** While the recording is being made; no piece is added after it. */
  #live: boolean;
  readonly #urgent: boolean;
  /** Why nothing more is tried by itself while the recording goes on. */
  #stopped: Failure | null = null;
  #broken = false;
  #pauses = new Set<() => void>();
  #close: () => void = () => {};
  /** Stretches are stored in their order, and none after one that could not be. */
  #stored: Promise<boolean> = Promise.resolve(true);

  constructor(sending: Sending, recording: string, prompt: Prompt, live: boolean) {
    this.#sending = sending;
    this.#recording = recording;
    this.#prompt = prompt;
    this.#key = promptKey(prompt);
    this.name = `${recording} ${this.#key}`;
    this.#live = live;
    this.#urgent = live;
    this.finished = this.#run();
  }

  /** One more stretch of a recording that is being made. */
  add(stretch: Stretch): void {
    const part = { recording: this.#recording, key: this.#key, ...stretch, reply: null };
    this.#stored = this.#stored.then(async (whole) => {
      if (!whole || this.#abort.signal.aborted) return false;
      try {
        await this.#sending.library.putPart(part);
      } catch {
        return false; // what is missing is cut again at the end, from what is stored
      }
      const piece = newPiece(stretch);
      this.#pieces.push(piece);
      // That somebody goes on speaking is reason enough to try once, but not without a network or a key.
      if (!this.#stopped || !isShut(this.#stopped)) this.#start(piece);
      this.#show();
      return true;
    });
  }

  close(): void {
    this.#close();
  }

  /** Ends with what is answered. */
  breakOff(): void {
    this.stop(STORAGE);
    this.#broken = true;
    this.#close();
  }

  cancel(): void {
    this.#abort.abort();
    this.#close();
  }

  /** Tries again at once, as somebody wants it. */
  now(): void {
    if (this.#broken) return;
    this.#stopped = null;
    for (const end of [...this.#pauses]) end();
    for (const piece of this.#pieces) if (piece.failure || !piece.run) this.#start(piece);
  }

  /** Tries nothing more by itself. */
  stop(failure: Failure): void {
    this.#stopped = failure;
    for (const end of [...this.#pauses]) end();
  }

  async #run(): Promise<void> {
    const { library, ownership, wakeup, onProgress } = this.#sending;
    const closed = new Promise<void>((resolve) => {
      this.#close = resolve;
    });
    let begin: (whole: boolean) => void = () => {};
    this.#stored = new Promise((resolve) => {
      begin = resolve;
    });
    const name = answerName(this.#recording, this.#key);
    const release = await ownership.take(name);
    if (!release) {
      begin(false);
      void this.#follow(name); // another tab is sending it
      return;
    }
    let letGo = this.#live ? wakeup.want() : null;
    try {
      const answer = library.answer(this.#recording, this.#key) ?? newAnswer(this.#recording, this.#prompt);
      this.#show();
      await library.putAnswer({ ...answer, state: 'sending', failure: null, partial: '' });
      begin(true);
      if (this.#live) await closed;
      const whole = await this.#stored;
      if (this.#abort.signal.aborted) throw new ServiceError('aborted');
      if (this.#broken) {
        await this.#answered();
        throw new ServiceError('storage');
      }
      // To stop is something that a person does: what failed is tried anew.
      if (this.#live) this.now();
      this.#live = false;
      if (!whole || this.#pieces.length === 0) this.#pieces = await this.#plan();
      letGo ??= wakeup.want();
      await this.#answer();
    } catch (error) {
      await this.#settle(failureOf(error));
    } finally {
      begin(false);
      onProgress(this.name, null);
      letGo?.();
      await release();
    }
  }

  /** Shows the answer as another tab leaves it. */
  async #follow(name: string): Promise<void> {
    const { library, ownership } = this.#sending;
    const release = await ownership.wait(name);
    try {
      await library.settleAnswer(this.#recording, this.#key);
    } finally {
      await release();
    }
  }

  /**
   * What has to be sent: all of it, or its parts, of which some may be answered already.
   * @throws {ServiceError} this cannot be sent, so the service need not wake up for it
   */
  async #plan(): Promise<Piece[]> {
    const { library, model } = this.#sending;
    const recording = this.#known();
    if (!this.#cuttable(recording)) {
      const route = routeOf(this.#prompt, model);
      if (!route) throw new ServiceError('rejected');
      const { size } = await library.audio(recording);
      if (size > maxFileBytes(model.limits, route)) throw new ServiceError('too-large');
      return [newPiece(null)];
    }
    const parts = await library.parts(this.#recording, this.#key);
    if (parts.length === 0 && samplesOf(recording) <= longestSamples(model.limits)) return [newPiece(null)];
    return this.#parts(recording);
  }

  /** The stored parts and, cut just now, those of what comes after them. */
  async #parts(recording: Recording): Promise<Piece[]> {
    const { library, segmenter, model } = this.#sending;
    const known = await library.parts(this.#recording, this.#key);
    const pieces = known.map(({ from, to, reply }) => ({ ...newPiece({ from, to }), reply }));
    const end = samplesOf(recording);
    const from = known.at(-1)?.to ?? 0;
    const cutting = segmenter(from);
    for (let at = from; at < end; at += READ) {
      const file = await library.audio(recording, { from: at, to: Math.min(end, at + READ) });
      const pcm = new Int16Array(await file.slice(WAV_HEADER_BYTES).arrayBuffer());
      for (const stretch of cutting.push(pcm)) pieces.push(await this.#part(stretch));
    }
    const rest = cutting.end();
    if (rest) pieces.push(await this.#part(rest));
    // Where nobody seems to speak, the service decides.
    const all = { from: 0, to: Math.min(end, longestSamples(model.limits)) };
    return pieces.length > 0 ? pieces : [await this.#part(all)];
  }

  async #part(stretch: Stretch): Promise<Piece> {
    const part = { recording: this.#recording, key: this.#key, ...stretch, reply: null };
    await this.#sending.library.putPart(part);
    return newPiece(stretch);
  }

  async #answer(): Promise<void> {
    for (const piece of this.#pieces) if (!piece.reply && !piece.run) this.#start(piece);
    await this.#answered();
    const [only] = this.#pieces;
    const recording = this.#known();
    if (only?.failure?.kind === 'too-large' && !only.stretch && this.#cuttable(recording)) {
      this.#pieces = await this.#parts(recording);
      return this.#answer();
    }
    if (this.#abort.signal.aborted) throw new ServiceError('aborted');
    const failed = this.#pieces.find(({ failure }) => failure);
    if (failed?.failure) throw new ServiceError(failed.failure.kind, failed.failure);
    await this.#keep(recording);
  }

  /** Resolves when no piece is being tried; `now` starts pieces again, so what is waited for may change meanwhile. */
  async #answered(): Promise<void> {
    for (let runs = this.#runs(); runs.length > 0; runs = this.#runs()) await Promise.all(runs);
  }

  #runs(): Promise<void>[] {
    return this.#pieces.flatMap(({ run, reply, failure }) => (run && !reply && !failure ? [run] : []));
  }

  async #keep(recording: Recording): Promise<void> {
    const { library } = this.#sending;
    const [first] = this.#pieces;
    const whole = first && !first.stretch ? first.reply : null;
    const { seconds, ...reply } = whole ?? joinReplies(this.#pieces.flatMap(answered));
    const changes = { state: 'done', failure: null, partial: '', ...reply } as const;
    if (whole) {
      await library.changeAnswer(this.#recording, this.#key, changes);
      if (recording.seconds === null && seconds !== null) await library.change(recording.id, { seconds });
    } else if (this.#pieces.length > 0) {
      await library.finish(this.#recording, this.#key, changes);
    }
  }

  /** Tries a piece until it is answered or trying is no use. */
  #start(piece: Piece): void {
    if (piece.reply || this.#abort.signal.aborted) return;
    piece.failure = null;
    const run: Promise<void> = this.#try(piece).catch((error: unknown) => {
      if (piece.run !== run) return;
      piece.failure = failureOf(error);
      if (this.#live) this.#rest(piece, piece.failure);
      if (isShut(piece.failure)) this.#sending.onShut(piece.failure);
    });
    piece.run = run;
  }

  async #try(piece: Piece): Promise<void> {
    const { library, wakeup, onUsage } = this.#sending;
    for (let attempt = 0; ; attempt++) {
      try {
        piece.reply = await this.#request(piece);
        wakeup.heard();
        onUsage(piece.reply.usage);
        const { stretch, reply } = piece;
        if (stretch) await library.putPart({ recording: this.#recording, key: this.#key, ...stretch, reply });
        this.#show();
        // The service is back: what failed before may be answered as well.
        if (this.#stopped) this.now();
        return;
      } catch (error) {
        const failure = failureOf(error);
        // Answered, but it could not be kept: the answer as a whole will say so.
        if (piece.reply) return;
        const delay = this.#stopped ? null : delayBefore(attempt, failure);
        if (this.#abort.signal.aborted || delay === null) throw error;
        const asked = await this.#pause(piece, failure, delay);
        if (this.#abort.signal.aborted) throw error;
        if (this.#stopped) throw new ServiceError(this.#stopped.kind, this.#stopped);
        if (asked) attempt = -1;
        // Nobody answered though the service had been ready: it may be asleep.
        if (['unreachable', 'unavailable', 'cut'].includes(failure.kind)) wakeup.again();
      }
    }
  }

  async #request(piece: Piece): Promise<Reply> {
    const { library, service, wakeup, model, lanes } = this.#sending;
    const { signal } = this.#abort;
    const recording = this.#known();
    const route = routeOf(this.#prompt, model);
    if (!route) throw new ServiceError('rejected');
    this.#show(piece, { status: 'waking', uploaded: 0, text: '', retryAt: null });
    await wakeup.ready(signal);
    this.#show(piece, { status: 'waiting' });
    const leave = await lanes.enter(this.#urgent, signal);
    if (!leave) throw new ServiceError('aborted');
    try {
      const audio = await library.audio(recording, piece.stretch ?? undefined);
      if (signal.aborted) throw new ServiceError('aborted');
      this.#show(piece, { status: 'uploading' });
      const question = { audio, name: uploadName(recording), route, words: wording(this.#prompt, model) };
      const listening = {
        onUpload: (share: number) =>
          this.#show(piece, { status: share < 1 ? 'uploading' : 'hearing', uploaded: share }),
        // Models begin with a space, which the finished text lacks.
        onText: (delta: string) =>
          this.#show(piece, { status: 'writing', uploaded: 1, text: (piece.text + delta).trimStart() }),
      };
      return await service.ask(question, listening, signal);
    } finally {
      leave();
    }
  }

  /** @returns whether somebody did not want to wait */
  async #pause(piece: Piece, failure: Failure, seconds: number): Promise<boolean> {
    const { library } = this.#sending;
    await library.changeAnswer(this.#recording, this.#key, { failure }).catch(() => {});
    this.#show(piece, { status: 'pausing', retryAt: Date.now() + seconds * 1000 });
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      const end = (asked: boolean): void => {
        clearTimeout(timer);
        this.#pauses.delete(ask);
        signal.removeEventListener('abort', ask);
        resolve(asked);
      };
      const ask = (): void => end(true);
      const timer = setTimeout(() => end(false), seconds * 1000);
      this.#pauses.add(ask);
      signal.addEventListener('abort', ask);
      if (signal.aborted) ask();
    });
  }

  /** Leaves a piece until there is a reason to try again: a recording that goes on is not ended by that. */
  #rest(piece: Piece, failure: Failure): void {
    // What was found wrong with the piece itself says nothing about the next ones.
    if (mayPass(failure) && !(this.#stopped && isShut(this.#stopped))) this.#stopped = failure;
    void this.#sending.library.changeAnswer(this.#recording, this.#key, { failure }).catch(() => {});
    this.#show(piece, { status: 'pausing', retryAt: null });
  }

  async #settle(failure: Failure): Promise<void> {
    const { library, onFailure } = this.#sending;
    const answer = library.answer(this.#recording, this.#key);
    if (!answer) return;
    // Where even this cannot be kept, the page says so, and the next load settles the entry.
    if (this.#abort.signal.aborted) {
      const older = { state: 'done', failure: null, partial: '' } as const;
      await (isAnswered(answer)
        ? library.changeAnswer(answer.recording, answer.key, older)
        : library.dropAnswer(answer.recording, answer.key)
      ).catch(() => {});
      return;
    }
    const changes = {
      state: mayPass(failure) ? 'waiting' : 'failed',
      failure,
      partial: this.#partial(),
    } as const;
    await library.changeAnswer(answer.recording, answer.key, changes).catch(() => {});
    // Who broke it off tells why.
    if (!this.#broken) onFailure({ ...answer, ...changes }, failure);
  }

  /** What there is, with a mark where something is missing. */
  #partial(): string {
    const texts = this.#pieces.map(({ reply, text }) => reply?.text ?? (text || '[…]'));
    return texts.every((text) => text === '[…]') ? '' : joinTexts(texts);
  }

  #known(): Recording {
    const recording = this.#sending.library.get(this.#recording);
    if (!recording) throw new ServiceError('aborted'); // deleted meanwhile
    return recording;
  }

  #cuttable({ sound }: Recording): boolean {
    return sound === 'pcm' && mayBeCut(this.#prompt, this.#sending.model);
  }

  #show(piece?: Piece, changes?: Partial<Piece>): void {
    if (piece) Object.assign(piece, changes);
    if (!this.#abort.signal.aborted) this.#sending.onProgress(this.name, this.#progress());
  }

  #progress(): Progress {
    const pieces = this.#pieces;
    const open = pieces.filter(({ reply }) => !reply);
    const order = ['writing', 'hearing', 'uploading', 'pausing', 'waking', 'waiting'] as const;
    const next = pieces.findIndex(({ reply }) => !reply);
    const begun = next < 0 ? pieces : pieces.slice(0, next + 1);
    const retries = open.flatMap(({ retryAt, status }) => (status === 'pausing' && retryAt ? [retryAt] : []));
    return {
      status: order.find((status) => open.some((piece) => piece.status === status)) ?? 'waiting',
      uploaded: pieces.reduce((sum, { uploaded }) => sum + uploaded, 0) / Math.max(1, pieces.length),
      text: joinTexts(begun.map(({ reply, text }) => reply?.text ?? text)),
      done: pieces.length - open.length,
      of: this.#live ? null : pieces.length,
      retryAt: retries.length > 0 ? Math.min(...retries) : null,
    };
  }
}

function newPiece(stretch: Stretch | null): Piece {
  return {
    stretch,
    reply: null,
    status: 'waiting',
    uploaded: 0,
    text: '',
    retryAt: null,
    failure: null,
    run: null,
  };
}

function answered({ stretch, reply }: Piece): { stretch: Stretch; reply: Reply }[] {
  return stretch && reply ? [{ stretch, reply }] : [];
}

function samplesOf({ seconds }: Recording): number {
  return Math.round((seconds ?? 0) * SAMPLE_RATE);
}

function failureOf(error: unknown): Failure {
  if (error instanceof ServiceError) return error.failure;
  return STORAGE;
}

function uploadName(recording: Recording): string {
  if (recording.name !== null) return recording.name;
  // Colons and dots would trouble file systems.
  return `recording-${new Date(recording.createdAt).toISOString().slice(0, 19).replaceAll(':', '-')}.wav`;
}
