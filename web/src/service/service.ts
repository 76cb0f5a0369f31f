import type { Prompt, Segment } from '../history/answer';
import type { Access } from '../page/access';
import { serverSentEvents } from './server-sent-events';
import { errorFromResponse, errorMessage, ServiceError } from './service-error';
import type { Usage } from './usage';
import { parseSnapshot, type WarmupSnapshot } from './warmup';

export interface ServiceOptions {
  /** Address without a slash at its end. */
  address: string;
  /** `model` of every request. */
  model: string;
  access: Access;
  fetch?: typeof fetch;
}

export interface Transcript {
  text: string;
  noSpeech: boolean;
  /** Length of the audio the service heard, seconds; null where it does not say. */
  seconds: number | null;
}

/** One piece of sound and what is asked about it. */
export interface Question {
  audio: Blob;
  /** File name for the upload. */
  name: string;
  prompt: Prompt;
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

  /**
   * Sends audio and reads its transcript as it is made.
   * @param onDelta - called with each new piece of text, untrusted
   */
  async transcribe(
    audio: Blob,
    name: string,
    onDelta: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Transcript> {
    const body = new FormData();
    // The fields go first: a service that reads the form as it arrives knows then what it is receiving.
    body.set('model', this.#options.model);
    body.set('stream', 'true');
    body.set('response_format', 'json');
    body.set('file', audio, name);
    const response = await this.#request('/v1/audio/transcriptions', { method: 'POST', body, signal });
    for await (const value of this.#events(response, signal)) {
      const event = value as Record<string, unknown> | null;
      if (event?.error) throw new ServiceError('failed', { detail: errorMessage(event.error) });
      if (event?.type === 'transcript.text.delta' && typeof event.delta === 'string') onDelta(event.delta);
      if (event?.type === 'transcript.text.done' && typeof event.text === 'string') {
        const seconds = (event.usage as { audio_seconds?: unknown } | undefined)?.audio_seconds;
        return {
          text: event.text,
          noSpeech: event.no_speech === true,
          seconds: typeof seconds === 'number' ? seconds : null,
        };
      }
    }
    throw new ServiceError('cut');
  }

  async #request(path: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
    const token = await this.#options.access.authorization();
    if (token === '') throw new ServiceError('key-missing');
    const headers: HeadersInit = token === null ? {} : { Authorization: `Bearer ${token}` };
    const send = this.#options.fetch ?? fetch;
    let response: Response;
    try {
      response = await send(this.#options.address + path, { ...init, headers, credentials: 'omit' });
    } catch {
      if (init.signal.aborted) throw new ServiceError('aborted');
      throw new ServiceError(globalThis.navigator?.onLine === false ? 'offline' : 'unreachable');
    }
    if (!response.ok) throw await errorFromResponse(response);
    return response;
  }

  async *#events(response: Response, signal: AbortSignal): AsyncGenerator<unknown> {
    if (!response.body) throw new ServiceError('cut');
    try {
      for await (const data of serverSentEvents(response.body)) {
        if (data !== '[DONE]') yield JSON.parse(data);
      }
    } catch (error) {
      throw broken(error, signal);
    }
  }
}

/** An answer that broke while it was read: given up here, or cut by the network. */
function broken(error: unknown, signal: AbortSignal): ServiceError {
  if (error instanceof ServiceError) return error;
  return new ServiceError(signal.aborted ? 'aborted' : 'cut');
}
