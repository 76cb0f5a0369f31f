import type { Prompt, Task } from '../history/answer';
import type { Limits, Model } from '../page/config';
import type { Route } from '../service/service';
import { BYTES_PER_SECOND, SAMPLE_RATE } from '../sound/pcm';
import { WAV_HEADER_BYTES } from '../sound/wav';

/** Targets of a translation that the page offers: what Qwen2-Audio is said to speak. */
export const TARGETS = ['en', 'ja', 'zh', 'yue', 'ko', 'de', 'es', 'fr', 'it'] as const;
/** Most characters of an edited prompt. */
export const MOST_WORDS = 2000;

/** Of a recording that can be sent in parts, samples: a bound of the page, so that a forgotten one ends. */
const LONGEST_RECORDING = 4 * 3600 * SAMPLE_RATE;
/** A form's other fields, its boundaries, a long file name. */
const FORM_BYTES = 4096;
/** A chat's JSON without the sound; each character of a prompt may take six bytes. */
const CHAT_BYTES = FORM_BYTES + 6 * MOST_WORDS;

/** Where a prompt is answered; null where this deployment cannot. */
export function routeOf({ task, language, words }: Prompt, model: Model): Route | null {
  if (!model.tasks.includes(task)) return null;
  const own = !words?.trim();
  if (task === 'transcribe' && own) return 'transcriptions';
  if (model.tasks.includes('chat')) return 'chat';
  return task === 'translate' && own && (language ?? 'en') === 'en' ? 'translations' : null;
}

/** Why a task cannot be had here, as the name of a text; null where it can. */
export function unavailable(task: Task, model: Model): 'model' | null {
  return routeOf({ task, language: null, words: null }, model) ? null : 'model';
}

/** Whether this deployment can be told in a person's own words what to do. */
export function takesWords(model: Model): boolean {
  return model.tasks.includes('chat');
}

/** What the model is told: the person's words, else the deployment's, with the target in the place of English. */
export function wording({ task, language, words }: Prompt, model: Model): string {
  const edited = words?.trim();
  if (edited) return edited;
  const own = model.prompts[task] ?? '';
  if (task !== 'translate' || !language || language === 'en') return own;
  // Models are told in English.
  const name = new Intl.DisplayNames(['en'], { type: 'language' }).of(language) ?? language;
  return own.includes('English') ? own.replace('English', name) : `Translate the speech into ${name}.`;
}

/** Whether an answer may be put together of the answers to parts of a recording: a transcript may. */
export function mayBeCut(prompt: Prompt, model: Model): boolean {
  return routeOf(prompt, model) === 'transcriptions';
}

/** How long a recording for a prompt may become, samples at 16 kHz. */
export function longestRecording(prompt: Prompt, model: Model): number {
  if (mayBeCut(prompt, model)) return LONGEST_RECORDING;
  return longestSamples(model.limits, routeOf(prompt, model) ?? undefined);
}

/** Largest audio file that fits into a request, bytes. */
export function maxFileBytes(limits: Limits, route: Route = 'transcriptions'): number {
  if (route !== 'chat') return limits.uploadBytes - FORM_BYTES;
  return Math.floor((limits.uploadBytes - CHAT_BYTES) / 4) * 3; // in base64, three bytes are four
}

/** Longest PCM that fits into a request, samples at 16 kHz: whichever of time and bytes ends first. */
export function longestSamples(limits: Limits, route: Route = 'transcriptions'): number {
  const byBytes = (maxFileBytes(limits, route) - WAV_HEADER_BYTES) / BYTES_PER_SECOND;
  return Math.max(0, Math.floor(Math.min(limits.audioSeconds, byBytes) * SAMPLE_RATE));
}
