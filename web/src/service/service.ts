import type { Segment } from '../history/answer';
import type { Access } from '../page/access';
import { serverSentEvents } from './server-sent-events';
import { errorFromResponse, errorMessage, ServiceError } from './service-error';
import { type Post, post } from './transfer';
import { parseUsage, type Usage } from './usage';
import { parseSnapshot, type WarmupSnapshot } from './warmup';

export interface ServiceOptions {
  /** Address without a slash at its end. */
  address: string;
  /** `model` of every request. */
  model: string;
  access: Access;
  fetch?: typeof fetch;
  post?: Post;
}

/** Which of the service's addresses a question goes to. */
export type Route = 'transcriptions' | 'translations' | 'chat';

/** One piece of sound and what is asked about it. */
export interface Question {
  audio: Blob;
  /** File name for the upload. */
  name: string;
  route: Route;
  /** What to do with the sound; of `chat` only. '' leaves it to what is said in it. */
  words: string;
}

/** Hears how far a question is. */
export interface Listening {
  /** @param share - of the sound that is with the service, 0..1 */
  onUpload(share: number): void;
  /** @param delta - new text, untrusted */
  onText(delta: string): void;
}

/** What the service said about one piece of sound. Texts are untrusted. */
export interface Reply {
  text: string;
  /** With times in seconds of that piece; null where the service gives none. */
  segments: Segment[] | null;
  noSpeech: boolean;
  notes: string[];
  /** Length of the sound it heard; null where it does not say. */
  seconds: number | null;
  usage: Usage | null;
}

/** The service over HTTP. Every method throws a {@link ServiceError} and nothing else. */
export class Service {
  readonly #options: ServiceOptions;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  /** Wakes the service and says how far it is. */
  async warmup(signal: AbortSignal): Promise<WarmupSnapshot> {
    const response = await this.#request('/v1/warmup', { method: 'POST', signal });
    const body: unknown = await response.json().catch((error: unknown) => {
      throw broken(error, signal);
    });
    const snapshot = parseSnapshot(body);
    if (!snapshot) throw new ServiceError('failed', { detail: 'unexpected answer' });
    return snapshot;
  }

  /** Follows a cold start until the service closes the stream, which it does once ready or failed. */
  async *warmupEvents(signal: AbortSignal): AsyncGenerator<WarmupSnapshot> {
    const response = await this.#request('/v1/warmup/events', { signal });
    for await (const value of this.#events(response, signal)) {
      const snapshot = parseSnapshot(value);
      if (snapshot) yield snapshot;
    }
  }

  /** Asks about a piece of sound and reads the answer as it is made. */
  ask(question: Question, listening: Listening, signal: AbortSignal): Promise<Reply> {
    switch (question.route) {
      case 'transcriptions':
        return this.#transcribe(question, listening, signal);
      case 'translations':
        return this.#translate(question, listening, signal);
      case 'chat':
        return this.#chat(question, listening, signal);
    }
  }

  async #transcribe(question: Question, listening: Listening, signal: AbortSignal): Promise<Reply> {
    const body = this.#form(question, { response_format: 'json', stream: 'true' });
    const response = await this.#post('/v1/audio/transcriptions', body, listening, signal);
    for await (const event of this.#events(response, signal)) {
      if (event.type === 'transcript.text.delta' && typeof event.delta === 'string')
        listening.onText(event.delta);
      if (event.type === 'transcript.text.done' && typeof event.text === 'string') {
        return reply(event.text, event, event.usage);
      }
    }
    throw new ServiceError('cut');
  }

  async #translate(question: Question, listening: Listening, signal: AbortSignal): Promise<Reply> {
    const body = this.#form(question, { response_format: 'verbose_json' });
    const response = await this.#post('/v1/audio/translations', body, listening, signal);
    const answer = await response.json().catch((error: unknown) => {
      throw broken(error, signal);
    });
    if (typeof answer?.text !== 'string') throw new ServiceError('failed', { detail: 'unexpected answer' });
    return reply(answer.text, answer, answer.usage);
  }

  async #chat({ audio, words }: Question, listening: Listening, signal: AbortSignal): Promise<Reply> {
    const body = await chatBody(this.#options.model, audio, words);
    const response = await this.#post('/v1/chat/completions', body, listening, signal);
    let text = '';
    let last: Record<string, unknown> | null = null;
    let usage: unknown = null;
    for await (const event of this.#events(response, signal)) {
      const [choice] = Array.isArray(event.choices) ? event.choices : [];
      const delta = choice?.delta?.content;
      if (typeof delta === 'string' && delta !== '') {
        text += delta;
        listening.onText(delta);
      }
      if (choice?.finish_reason) last = event;
      usage = event.usage ?? usage;
    }
    if (!last) throw new ServiceError('cut');
    return reply(text, last, usage);
  }

  #form({ audio, name }: Question, fields: Record<string, string>): FormData {
    const form = new FormData();
    // The fields go first: a service that reads the form as it arrives knows then what it is receiving.
    form.set('model', this.#options.model);
    for (const [field, value] of Object.entries(fields)) form.set(field, value);
    form.set('file', audio, name);
    return form;
  }

  async #post(
    path: string,
    body: Blob | FormData,
    { onUpload }: Listening,
    signal: AbortSignal,
  ): Promise<Response> {
    const send = this.#options.post ?? post;
    return this.#called(signal, async (headers) =>
      send(this.#options.address + path, { body, headers, signal, onUpload }),
    );
  }

  #request(path: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
    const send = this.#options.fetch ?? fetch;
    return this.#called(init.signal, (headers) =>
      send(this.#options.address + path, { ...init, headers, credentials: 'omit' }),
    );
  }

  async #called(
    signal: AbortSignal,
    send: (headers: Record<string, string>) => Promise<Response>,
  ): Promise<Response> {
    const token = await this.#options.access.authorization();
    if (token === '') throw new ServiceError('key-missing');
    let response: Response;
    try {
      response = await send(token === null ? {} : { Authorization: `Bearer ${token}` });
    } catch {
      if (signal.aborted) throw new ServiceError('aborted');
      throw new ServiceError(globalThis.navigator?.onLine === false ? 'offline' : 'unreachable');
    }
    if (!response.ok) throw await errorFromResponse(response);
    return response;
  }

  /** The events of a stream; one that tells of an error is thrown. */
  async *#events(response: Response, signal: AbortSignal): AsyncGenerator<Record<string, unknown>> {
    if (!response.body) throw new ServiceError('cut');
    try {
      for await (const data of serverSentEvents(response.body)) {
        if (data === '[DONE]') continue;
        const event: Record<string, unknown> = Object(JSON.parse(data));
        // A snapshot of the cold start has an error too, beside its status.
        if (event.error && !('status' in event))
          throw new ServiceError('failed', { detail: errorMessage(event.error) });
        yield event;
      }
    } catch (error) {
      throw broken(error, signal);
    }
  }
}

/** @param remarks - the object that holds `no_speech`, `notes` and, where there are any, `segments` */
function reply(text: string, remarks: Record<string, unknown>, usage: unknown): Reply {
  const words = text.trim();
  const read = parseUsage(usage);
  return {
    text: words,
    segments: Array.isArray(remarks.segments) ? remarks.segments.filter(isSegment).map(segment) : null,
    // A chat may have something to say of sounds in which nobody speaks.
    noSpeech: remarks.no_speech === true && words === '',
    notes: Array.isArray(remarks.notes) ? remarks.notes.filter((note) => typeof note === 'string') : [],
    seconds: read?.audioSeconds ?? null,
    usage: read,
  };
}

function isSegment(value: unknown): value is Segment {
  const { start, end, text } = Object(value) as Partial<Record<keyof Segment, unknown>>;
  return typeof start === 'number' && typeof end === 'number' && typeof text === 'string';
}

function segment({ start, end, text }: Segment): Segment {
  return { start, end, text: text.trim() };
}

/** Bytes that are turned into base64 at once; divisible by three, so that no piece is padded but the last. */
const BASE64_BYTES = 0x6000;

/** Made of pieces: a sound of 30 MB is not also held as one text. */
async function chatBody(model: string, audio: Blob, words: string): Promise<Blob> {
  const text = words === '' ? [] : [{ type: 'text', text: words }];
  const sound = { type: 'input_audio', input_audio: { data: '', format: audio.type.split('/')[1] || 'wav' } };
  const question = {
    model,
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: [sound, ...text] }],
  };
  const [before, after] = halves(JSON.stringify(question), '"data":"');
  const bytes = new Uint8Array(await audio.arrayBuffer());
  const encoded: string[] = [];
  for (let at = 0; at < bytes.length; at += BASE64_BYTES) {
    encoded.push(btoa(String.fromCharCode(...bytes.subarray(at, at + BASE64_BYTES))));
  }
  return new Blob([before, ...encoded, after], { type: 'application/json' });
}

/** The text up to the end of the first `mark`, and the rest. */
function halves(text: string, mark: string): [string, string] {
  const end = text.indexOf(mark) + mark.length;
  return [text.slice(0, end), text.slice(end)];
}

/** An answer that broke while it was read: given up here, or cut by the network. */
function broken(error: unknown, signal: AbortSignal): ServiceError {
  if (error instanceof ServiceError) return error;
  return new ServiceError(signal.aborted ? 'aborted' : 'cut');
}
