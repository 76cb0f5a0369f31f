import type { Limits } from '../page/config';
import { BYTES_PER_SECOND, SAMPLE_RATE } from '../sound/pcm';
import { WAV_HEADER_BYTES } from '../sound/wav';

/** What a request needs besides the audio: the form's other fields, its boundaries, a long file name. */
const FORM_BYTES = 4096;

/** Largest audio file that fits into a request, bytes. */
export function maxFileBytes(limits: Limits): number {
  return limits.uploadBytes - FORM_BYTES;
}

/** Longest recording that fits into a request, samples at 16 kHz: whichever of time and bytes ends first. */
export function maxRecordingSamples(limits: Limits): number {
  const byBytes = (maxFileBytes(limits) - WAV_HEADER_BYTES) / BYTES_PER_SECOND;
  return Math.max(0, Math.floor(Math.min(limits.audioSeconds, byBytes) * SAMPLE_RATE));
}
