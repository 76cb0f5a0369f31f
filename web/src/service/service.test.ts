import { describe, expect, it } from 'vitest';
import { type Question, Service } from './service';
import { ServiceError } from './service-error';

const DELTAS = ['And so', ' 皆さん', '、🎤\n!'];
const DONE = {
  type: 'transcript.text.done',
  text: 'And so 皆さん、🎤\n!',
  no_speech: false,
  notes: ['repetition'],
  segments: [{ id: 0, start: 0, end: 7.1, text: ' And so', seek: 0 }, { id: 1 }],
  usage: { audio_seconds: 7.4, gpu_seconds: 0.5, cost_usd: { answer: 1e-4, waking: 2e-3, idle: 'x' } },
};
const REPLY = {
  text: DONE.text,
  segments: [{ start: 0, end: 7.1, text: 'And so' }],
  noSpeech: false,
  notes: ['repetition'],
  seconds: 7.4,
  usage: { audioSeconds: 7.4, gpuSeconds: 0.5, usd: { answer: 1e-4, waking: 2e-3, idle: 0 } },
};
const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;
const STREAM = new TextEncoder().encode(
  `: hello\r\n\r\n${DELTAS.map((delta) => event({ type: 'transcript.text.delta', delta })).join('')}${event(DONE)}data: [DONE]\n\n`,
);

/** A response whose body arrives in the given pieces, and breaks with an error after them where asked. */
function streamed(pieces: Uint8Array<ArrayBuffer>[], breaks = false): Response {
  const left = [...pieces];
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const piece = left.shift();
      if (piece) controller.enqueue(piece);
      else if (breaks) controller.error(new TypeError('network error'));
      else controller.close();
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

function serviceThat(
  answer: (url: string, init: RequestInit) => Response | Promise<Response>,
  key: string | null = null,
) {
  const send = (async (url: string, init: RequestInit) => answer(url, init)) as typeof fetch;
  return new Service({
    address: 'https://s.example',
    model: 'tiny',
    access: { authorization: async () => key },
    fetch: send,
    post: (url, init) => send(url, { method: 'POST', ...init }),
  });
}

const QUESTION: Question = { audio: new Blob(['RIFF']), name: 'a.wav', route: 'transcriptions', words: '' };

async function ask(
  service: Service,
  question: Partial<Question> = {},
  signal = new AbortController().signal,
) {
  const deltas: string[] = [];
  const listening = { onUpload: () => {}, onText: (text: string) => deltas.push(text) };
  const reply = await service.ask({ ...QUESTION, ...question }, listening, signal);
  return { deltas, reply };
}

async function failure(run: Promise<unknown>) {
  const error = await run.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ServiceError)) throw new Error(`not a ServiceError: ${error}`);
  return error.failure;
}

describe('transcriptions', () => {
  it('reads the stream whichever byte it is split at', async () => {
    for (let at = 0; at <= STREAM.length; at++) {
      const service = serviceThat(() => streamed([STREAM.slice(0, at), STREAM.slice(at)]));
      const { deltas, reply } = await ask(service);
      expect(deltas).toEqual(DELTAS);
      expect(reply).toEqual(REPLY);
    }
  });

  it('reads the stream byte by byte', async () => {
    const service = serviceThat(() => streamed([...STREAM].map((byte) => Uint8Array.of(byte))));
    expect((await ask(service)).deltas).toEqual(DELTAS);
  });

  it('sends what OpenAI clients send', async () => {
    let seen: { url: string; init: RequestInit } | undefined;
    const service = serviceThat((url, init) => {
      seen = { url, init };
      return streamed([STREAM]);
    }, 'secret');
    await ask(service);
    const form = seen?.init.body as FormData;
    expect(seen?.url).toBe('https://s.example/v1/audio/transcriptions');
    expect(seen?.init.method).toBe('POST');
    expect(seen?.init.headers).toEqual({ Authorization: 'Bearer secret' });
    expect([form.get('model'), form.get('stream'), form.get('response_format')]).toEqual([
      'tiny',
      'true',
      'json',
    ]);
    expect((form.get('file') as File).name).toBe('a.wav');
  });

  it('sends no Authorization where the service wants none, and nothing at all while the key is missing', async () => {
    let calls = 0;
    const count = (_: string, init: RequestInit) => {
      calls++;
      expect(init.headers).toEqual({});
      return streamed([STREAM]);
    };
    await ask(serviceThat(count));
    expect((await failure(ask(serviceThat(count, '')))).kind).toBe('key-missing');
    expect(calls).toBe(1);
  });

  it('takes every stream that ends early for cut', async () => {
    const end = STREAM.length - 'data: [DONE]\n\n'.length;
    for (let at = 0; at < end; at += 7) {
      expect((await failure(ask(serviceThat(() => streamed([STREAM.slice(0, at)]))))).kind).toBe('cut');
    }
    const broken = serviceThat(() => streamed([STREAM.slice(0, 60)], true));
    expect((await failure(ask(broken))).kind).toBe('cut');
    const garbled = serviceThat(() => streamed([new TextEncoder().encode('data: {oops\n\n')]));
    expect((await failure(ask(garbled))).kind).toBe('cut');
  });

  it('says what the service said when it failed in the middle', async () => {
    const error = { message: 'out of memory', type: 'server_error', param: null, code: 'oom' };
    const body = new TextEncoder().encode(
      event({ type: 'transcript.text.delta', delta: 'a' }) + event({ error }),
    );
    expect(await failure(ask(serviceThat(() => streamed([body]))))).toEqual({
      kind: 'failed',
      detail: 'out of memory',
      retryAfter: null,
    });
  });

  it('tells a service that is down from a call that was given up', async () => {
    const down = serviceThat(() => {
      throw new TypeError('Failed to fetch');
    });
    expect((await failure(ask(down))).kind).toBe('unreachable');
    const abort = new AbortController();
    const never = serviceThat(
      (_, init) =>
        new Promise((_resolve, reject) => {
          if (init.signal?.aborted) reject(init.signal.reason);
          init.signal?.addEventListener('abort', () => reject(init.signal?.reason));
        }),
    );
    const given = failure(ask(never, {}, abort.signal));
    abort.abort();
    expect((await given).kind).toBe('aborted');
  });
});

describe('chat', () => {
  const delta = (content: string) => event({ choices: [{ delta: { content }, finish_reason: null }] });
  const last = { choices: [{ delta: {}, finish_reason: 'stop' }], no_speech: true, notes: ['by_transcript'] };
  const USAGE = event({ choices: [], usage: DONE.usage });
  const CHAT = new TextEncoder().encode(
    `${delta('')}${delta(' 犬が')}${delta('吠える。')}${event(last)}${USAGE}data: [DONE]\n\n`,
  );

  it('reads the stream whichever byte it is split at', async () => {
    for (let at = 0; at <= CHAT.length; at++) {
      const service = serviceThat(() => streamed([CHAT.slice(0, at), CHAT.slice(at)]));
      const { deltas, reply } = await ask(service, { route: 'chat' });
      expect(deltas).toEqual([' 犬が', '吠える。']);
      expect(reply).toEqual({
        ...REPLY,
        text: '犬が吠える。',
        segments: null,
        notes: ['by_transcript'],
      });
    }
  });

  it('sends the sound as base64 with the words, and no text where there are none', async () => {
    const bytes = new Uint8Array(100_000).map((_, index) => index % 251);
    const bodies: Record<string, never>[] = [];
    const service = serviceThat(async (url, init) => {
      expect(url).toBe('https://s.example/v1/chat/completions');
      bodies.push(JSON.parse(await (init.body as Blob).text()));
      expect((init.body as Blob).type).toBe('application/json');
      return streamed([CHAT]);
    });
    const audio = new Blob([bytes], { type: 'audio/wav' });
    await ask(service, { route: 'chat', audio, words: 'Who "speaks"?\n' });
    await ask(service, { route: 'chat', audio });
    const data = Buffer.from(bytes).toString('base64');
    const sound = { type: 'input_audio', input_audio: { data, format: 'wav' } };
    const rest = { model: 'tiny', stream: true, stream_options: { include_usage: true } };
    const text = { type: 'text', text: 'Who "speaks"?\n' };
    expect(bodies).toEqual([
      { ...rest, messages: [{ role: 'user', content: [sound, text] }] },
      { ...rest, messages: [{ role: 'user', content: [sound] }] },
    ]);
  });

  it('takes a stream without its last chunk for cut', async () => {
    const service = serviceThat(() => streamed([new TextEncoder().encode(delta('a'))]));
    expect((await failure(ask(service, { route: 'chat' }))).kind).toBe('cut');
  });
});

describe('translations', () => {
  it('reads one JSON answer', async () => {
    const service = serviceThat((url, init) => {
      expect(url).toBe('https://s.example/v1/audio/translations');
      expect((init.body as FormData).get('response_format')).toBe('verbose_json');
      return Response.json(DONE);
    });
    const { deltas, reply } = await ask(service, { route: 'translations' });
    expect(deltas).toEqual([]);
    expect(reply).toEqual(REPLY);
  });

  it('takes half an answer for cut, and one of another kind for failed', async () => {
    const half = serviceThat(() => new Response('{"text": "a'));
    expect((await failure(ask(half, { route: 'translations' }))).kind).toBe('cut');
    const other = serviceThat(() => Response.json([]));
    expect((await failure(ask(other, { route: 'translations' }))).kind).toBe('failed');
  });
});

describe('answers that are not 2xx', () => {
  const shaped = JSON.stringify({ error: { message: 'no room', type: 'x', param: null, code: 'y' } });
  it.each([
    [401, shaped, {}, { kind: 'unauthorized', detail: 'no room', retryAfter: null }],
    [403, '', {}, { kind: 'unauthorized', detail: null, retryAfter: null }],
    [413, 'Payload Too Large', {}, { kind: 'too-large', detail: 'Payload Too Large', retryAfter: null }],
    [429, shaped, { 'retry-after': '12' }, { kind: 'busy', detail: 'no room', retryAfter: 12 }],
    [429, 'Rate exceeded.', {}, { kind: 'busy', detail: 'Rate exceeded.', retryAfter: null }],
    [503, shaped, { 'retry-after': 'soon' }, { kind: 'unavailable', detail: 'no room', retryAfter: null }],
    [
      504,
      '<h1>Timeout</h1>',
      { 'content-type': 'text/html' },
      { kind: 'unavailable', detail: null, retryAfter: null },
    ],
    [400, shaped, {}, { kind: 'rejected', detail: 'no room', retryAfter: null }],
    [500, '{"error":"text"}', {}, { kind: 'failed', detail: '{"error":"text"}', retryAfter: null }],
  ])('%i %s', async (status, body, headers, expected) => {
    const service = serviceThat(
      () => new Response(body, { status, headers: headers as Record<string, string> }),
    );
    expect(await failure(ask(service))).toEqual(expected);
  });

  it('reads a Retry-After that is a date', async () => {
    const headers = { 'retry-after': new Date(Date.now() + 30_000).toUTCString() };
    const { retryAfter } = await failure(ask(serviceThat(() => new Response('', { status: 503, headers }))));
    expect(retryAfter).toBeGreaterThan(27);
    expect(retryAfter).toBeLessThanOrEqual(30);
  });
});

describe('warmup', () => {
  const snapshot = {
    status: 'loading',
    phase: 'weights',
    seconds: 1.2,
    phases: [
      { phase: 'process', status: 'done', seconds: 0.4 },
      { phase: 'weights', status: 'running', seconds: 0.2, bytes: 1000000, total_bytes: 75537502 },
    ],
  };

  it('reads the snapshot of a 202', async () => {
    const service = serviceThat((url, init) => {
      expect([url, init.method]).toEqual(['https://s.example/v1/warmup', 'POST']);
      return Response.json(snapshot, { status: 202 });
    });
    expect(await service.warmup(new AbortController().signal)).toEqual({
      status: 'loading',
      seconds: 1.2,
      error: null,
      phases: [
        { name: 'process', status: 'done', seconds: 0.4, bytes: null, totalBytes: null },
        { name: 'weights', status: 'running', seconds: 0.2, bytes: 1000000, totalBytes: 75537502 },
      ],
    });
  });

  it('takes an answer that is no snapshot for a failure', async () => {
    for (const body of ['{}', '[]', 'null', 'x', '{"status":"asleep"}']) {
      const run = serviceThat(() => new Response(body)).warmup(new AbortController().signal);
      expect((await failure(run)).kind).toMatch(/failed|cut/);
    }
  });

  it('follows the events to their end and passes over what it does not know', async () => {
    const failed = { status: 'failed', seconds: 2, phases: [], error: { message: 'no weights' } };
    const body = new TextEncoder().encode(event(snapshot) + event({ status: 'new' }) + event(failed));
    const seen: unknown[] = [];
    const events = serviceThat(() => streamed([body])).warmupEvents(new AbortController().signal);
    for await (const { status, error } of events) seen.push([status, error]);
    expect(seen).toEqual([
      ['loading', null],
      ['failed', 'no weights'],
    ]);
  });
});
