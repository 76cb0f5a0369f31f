import type { Failure } from '../service/service-error';

/** Seconds before the next try, after one, two, three… that failed. */
const DELAYS = [1, 2, 4, 8, 16, 30];
/** A person would not wait longer than this, seconds. */
const LONGEST_RETRY_AFTER = 120;

/**
 * Seconds until something that failed is tried again.
 * @param attempt - tries before this one, 0 for the first
 * @param random - 0..1; spreads the delay by a fifth in both directions, so that many pages do not come back at once
 * @returns null where that would be no use, or there were enough tries
 */
export function delayBefore(attempt: number, failure: Failure, random = Math.random()): number | null {
  switch (failure.kind) {
    case 'unreachable':
    case 'busy':
    case 'unavailable':
    case 'cut':
      break;
    case 'failed':
      // A defect seldom goes away.
      if (attempt > 0) return null;
      break;
    default:
      return null;
  }
  const delay = DELAYS[attempt];
  if (delay === undefined) return null;
  const { retryAfter } = failure;
  if (retryAfter !== null) return retryAfter <= LONGEST_RETRY_AFTER ? retryAfter : null;
  return delay * (0.8 + 0.4 * random);
}

/** Whether nothing at all can be sent until somebody does something, or the network returns. */
export function isShut({ kind }: Failure): boolean {
  return ['offline', 'key-missing', 'unauthorized'].includes(kind);
}

/** Whether a later try may well succeed, so that what failed is kept as waiting. */
export function mayPass(failure: Failure): boolean {
  return isShut(failure) || ['unreachable', 'busy', 'unavailable', 'cut'].includes(failure.kind);
}
