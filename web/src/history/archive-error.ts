/**
 * - `too-large`: more than the format can hold, 4 GB
 * - `not-an-archive`: no zip, or none that this page wrote
 * - `damaged`: a part of it is not as it must be
 */
export type ArchiveProblem = 'too-large' | 'not-an-archive' | 'damaged';

/** Why a history could not be exported or imported. Beside the code that does it, which is loaded only when asked for. */
export class ArchiveError extends Error {
  override name = 'ArchiveError';
  readonly problem: ArchiveProblem;
  /** The part that is damaged, untrusted; '' otherwise. */
  readonly part: string;

  constructor(problem: ArchiveProblem, part = '', cause?: unknown) {
    super(`${problem} ${part}`, { cause });
    this.problem = problem;
    this.part = part;
  }
}
