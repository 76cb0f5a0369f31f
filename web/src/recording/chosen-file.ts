import type { Library } from '../history/library';
import type { Recording } from '../history/recording';

/** Why a chosen file was not taken. */
export type FileProblem = 'too-large' | 'empty' | 'unreadable' | 'storage';

export class FileError extends Error {
  override name = 'FileError';
  readonly problem: FileProblem;

  constructor(problem: FileProblem, cause?: unknown) {
    super(problem, { cause });
    this.problem = problem;
  }
}

/**
 * Keeps a file that was chosen or dropped, as it is.
 * @param maxBytes - largest file the deployment takes
 * @throws {FileError} and keeps nothing then
 */
export async function keepFile(file: File, maxBytes: number, library: Library): Promise<Recording> {
  if (file.size === 0) throw new FileError('empty');
  if (file.size > maxBytes) throw new FileError('too-large');
  const bytes = await file.arrayBuffer().catch((error: unknown) => {
    throw new FileError('unreadable', error); // moved or deleted since it was chosen
  });
  const recording: Recording = {
    id: crypto.randomUUID(),
    createdAt: Date.now(),
    name: file.name,
    sound: { type: file.type },
    seconds: null,
    state: 'kept',
  };
  try {
    await library.restore({ recording, audio: [bytes], answers: [], parts: [] });
  } catch (error) {
    throw new FileError('storage', error);
  }
  return recording;
}
