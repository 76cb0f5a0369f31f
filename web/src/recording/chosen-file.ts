import type { Library } from '../history/library';
import type { Recording } from '../history/recording';
import { decode, lengthOf } from '../sound/decode';
import { BYTES_PER_SECOND } from '../sound/pcm';

/** Why a chosen file was not taken. */
export type FileProblem = 'too-large' | 'too-long' | 'empty' | 'unreadable' | 'storage';

export class FileError extends Error {
  override name = 'FileError';
  readonly problem: FileProblem;

  constructor(problem: FileProblem, cause?: unknown) {
    super(problem, { cause });
    this.problem = problem;
  }
}

/** Larger files are not decoded: it happens in memory, where an hour of music takes 300 MB. */
const MAX_DECODED_BYTES = 500e6;
/** Nor are longer ones: decoded, two hours in stereo take 1 GB. */
export const MAX_DECODED_SECONDS = 2 * 3600;

/**
 * Keeps a file that was chosen or dropped: as it is where it fits into one request, else what a recording of it would be.
 * @param most - largest and longest file the deployment takes in one request
 * @throws {FileError} and keeps nothing then
 */
export async function keepFile(
  file: File,
  most: { bytes: number; seconds: number },
  library: Library,
): Promise<Recording> {
  if (file.size === 0) throw new FileError('empty');
  if (file.size > Math.max(most.bytes, MAX_DECODED_BYTES)) throw new FileError('too-large');
  const seconds = (await lengthOf(file)) ?? 0;
  if (seconds > MAX_DECODED_SECONDS) throw new FileError('too-long');
  const bytes = await file.arrayBuffer().catch((error: unknown) => {
    throw new FileError('unreadable', error); // moved or deleted since it was chosen
  });
  const fits = bytes.byteLength <= most.bytes && seconds <= most.seconds;
  const audio = fits
    ? [bytes]
    : await decode(bytes).catch((error: unknown) => {
        throw new FileError('too-large', error); // nor can it be made smaller here
      });
  const recording: Recording = {
    id: crypto.randomUUID(),
    createdAt: Date.now(),
    name: file.name,
    sound: fits ? { type: file.type } : 'pcm',
    seconds: fits ? null : audio.reduce((sum, piece) => sum + piece.byteLength, 0) / BYTES_PER_SECOND,
    state: 'kept',
  };
  try {
    await library.restore({ recording, audio, answers: [], parts: [] });
  } catch (error) {
    throw new FileError('storage', error);
  }
  return recording;
}
