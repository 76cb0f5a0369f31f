import { type Answer, type Prompt, promptKey, type Segment, TASKS } from './answer';
import type { Recording } from './recording';

/** What `history.json` of an archive holds. */
export interface Archived {
  format: 'kikitori';
  version: 1;
  recordings: ArchivedRecording[];
  answers: Answer[];
}

export interface ArchivedRecording extends Recording {
  /** Name of the file with its sound inside of the archive. */
  file: string;
}

type Fields = Record<string, unknown>;

/**
 * Takes over what it understands and nothing else, because anybody can have written it. An answer that was under way
 * waits to be sent.
 * @throws {TypeError} naming what is not as it must be
 */
export function parseArchived(value: unknown): Archived {
  const { format, version, recordings, answers } = fields(value, 'history.json');
  must(format === 'kikitori' && version === 1, 'format');
  return {
    format: 'kikitori',
    version: 1,
    recordings: list(recordings, 'recordings').map(parseRecording),
    answers: list(answers, 'answers').map(parseAnswer),
  };
}

function parseRecording(value: unknown): ArchivedRecording {
  const { id, createdAt, name, sound, seconds, file } = fields(value, 'recording');
  // It becomes a file name in the next archive.
  must(/^[\w-]{1,64}$/.test(text(id, 'recording.id')), 'recording.id');
  return {
    id: id as string,
    createdAt: time(createdAt, 'recording.createdAt'),
    name: name === null ? null : text(name, 'recording.name'),
    sound: sound === 'pcm' ? 'pcm' : { type: text(fields(sound, 'recording.sound').type, 'recording.sound') },
    seconds: seconds === null ? null : amount(seconds, 'recording.seconds'),
    state: 'kept',
    file: text(file, 'recording.file'),
  };
}

function parseAnswer(value: unknown): Answer {
  const all = fields(value, 'answer');
  const prompt = parsePrompt(all.prompt);
  must(['waiting', 'sending', 'done', 'failed'].includes(all.state as string), 'answer.state');
  return {
    recording: text(all.recording, 'answer.recording'),
    key: promptKey(prompt),
    prompt,
    createdAt: time(all.createdAt, 'answer.createdAt'),
    state: all.state === 'sending' ? 'waiting' : (all.state as Answer['state']),
    text: text(all.text, 'answer.text'),
    edited: all.edited === null ? null : text(all.edited, 'answer.edited'),
    partial: text(all.partial, 'answer.partial'),
    segments: all.segments === null ? null : list(all.segments, 'answer.segments').map(parseSegment),
    noSpeech: all.noSpeech === true,
    notes: list(all.notes, 'answer.notes').map((note) => text(note, 'answer.notes')),
    usage: all.usage === null ? null : parseUsage(all.usage),
    failure: all.failure === null ? null : parseFailure(all.failure),
  };
}

function parsePrompt(value: unknown): Prompt {
  const { task, language, words } = fields(value, 'answer.prompt');
  const known = TASKS.find((name) => name === task);
  must(known !== undefined, 'answer.prompt.task');
  return {
    task: known,
    language: language === null ? null : text(language, 'answer.prompt.language'),
    words: words === null ? null : text(words, 'answer.prompt.words'),
  };
}

function parseSegment(value: unknown): Segment {
  const { start, end, text: words } = fields(value, 'segment');
  return {
    start: amount(start, 'segment.start'),
    end: amount(end, 'segment.end'),
    text: text(words, 'segment.text'),
  };
}

function parseUsage(value: unknown): NonNullable<Answer['usage']> {
  const { audioSeconds, gpuSeconds, usd } = fields(value, 'answer.usage');
  const { answer, waking, idle } = fields(usd, 'answer.usage.usd');
  return {
    audioSeconds: amount(audioSeconds, 'answer.usage.audioSeconds'),
    gpuSeconds: amount(gpuSeconds, 'answer.usage.gpuSeconds'),
    usd: {
      answer: amount(answer, 'answer.usage.usd.answer'),
      waking: amount(waking, 'answer.usage.usd.waking'),
      idle: amount(idle, 'answer.usage.usd.idle'),
    },
  };
}

const FAILURES: Record<NonNullable<Answer['failure']>['kind'], true> = {
  offline: true,
  unreachable: true,
  'key-missing': true,
  unauthorized: true,
  'too-large': true,
  busy: true,
  unavailable: true,
  rejected: true,
  failed: true,
  cut: true,
  aborted: true,
  storage: true,
};

function parseFailure(value: unknown): NonNullable<Answer['failure']> {
  const { kind, detail, retryAfter } = fields(value, 'answer.failure');
  const known = text(kind, 'answer.failure.kind');
  return {
    // One of a newer page has no words here.
    kind: Object.hasOwn(FAILURES, known) ? (known as keyof typeof FAILURES) : 'failed',
    detail: detail === null ? null : text(detail, 'answer.failure.detail'),
    retryAfter: retryAfter === null ? null : amount(retryAfter, 'answer.failure.retryAfter'),
  };
}

function fields(value: unknown, name: string): Fields {
  must(typeof value === 'object' && value !== null && !Array.isArray(value), name);
  return value as Fields;
}

function list(value: unknown, name: string): unknown[] {
  must(Array.isArray(value), name);
  return value;
}

function text(value: unknown, name: string): string {
  must(typeof value === 'string', name);
  return value;
}

function amount(value: unknown, name: string): number {
  must(typeof value === 'number' && Number.isFinite(value) && value >= 0, name);
  return value;
}

/** Milliseconds since 1970 that a date can be made of. */
function time(value: unknown, name: string): number {
  must(amount(value, name) <= 8.64e15, name);
  return value as number;
}

function must(condition: boolean, name: string): asserts condition {
  if (!condition) throw new TypeError(name);
}
