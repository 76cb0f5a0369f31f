import type { Reply } from '../service/service';
import type { Failure } from '../service/service-error';
import type { Usage } from '../service/usage';

/** What can be asked of a recording. */
export const TASKS = ['transcribe', 'translate', 'describe', 'summarize', 'ask'] as const;
export type Task = (typeof TASKS)[number];

export interface Prompt {
  task: Task;
  /** BCP 47 code of the target; of `translate` only. */
  language: string | null;
  /** As edited by the person; null: the deployment's own wording. */
  words: string | null;
}

/** The transcript in the deployment's own wording. */
export const TRANSCRIBE: Prompt = { task: 'transcribe', language: null, words: null };

/** Equal prompts have equal keys: one stored answer per recording and key. */
export function promptKey({ task, language, words }: Prompt): string {
  return JSON.stringify([task, language, words?.trim() || null]);
}

/** A stretch of an answer with its times in seconds of the recording. */
export interface Segment {
  start: number;
  end: number;
  text: string;
}

/** What the service makes of a recording for one prompt. */
export interface Answer {
  /** Id of the recording. */
  recording: string;
  /** {@link promptKey} of `prompt`. */
  key: string;
  prompt: Prompt;
  /** Milliseconds since 1970. */
  createdAt: number;
  /**
   * - `waiting`: to be sent, also after a reload; only a person or the network's return does that
   * - `sending`: on its way, or waiting for its turn
   * - `done`: answered
   * - `failed`: the last try failed, for the reason in `failure`
   */
  state: 'waiting' | 'sending' | 'done' | 'failed';
  /** The last complete answer of the model; '' before there is one. */
  text: string;
  /** The person's version of it, which sending never overwrites; null where there is none. */
  edited: string | null;
  /** What had arrived of an answer that broke off; '' otherwise. */
  partial: string;
  /** Null where the answer has no times. */
  segments: Segment[] | null;
  /** The service heard nobody speak. */
  noSpeech: boolean;
  /** What a reader should know of the answer, in the service's codes. */
  notes: string[];
  usage: Usage | null;
  failure: Failure | null;
}

/** A new answer that is to be sent. */
export function newAnswer(recording: string, prompt: Prompt): Answer {
  return {
    recording,
    key: promptKey(prompt),
    prompt,
    createdAt: Date.now(),
    state: 'waiting',
    text: '',
    edited: null,
    partial: '',
    segments: null,
    noSpeech: false,
    notes: [],
    usage: null,
    failure: null,
  };
}

/** Whether the model has answered completely at least once. */
export function isAnswered({ text, noSpeech }: Answer): boolean {
  return text !== '' || noSpeech;
}

/** A part of a recording: samples at 16 kHz, the last one not included. */
export interface Stretch {
  from: number;
  to: number;
}

/** A stretch that is asked about on its own, until the answer is whole. */
export interface Part extends Stretch {
  recording: string;
  key: string;
  /** Null until it was answered. */
  reply: Reply | null;
}
