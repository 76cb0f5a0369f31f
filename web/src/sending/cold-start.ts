import type { WarmupSnapshot } from '../service/warmup';

/** When something happened, milliseconds since 1970; `to` is null while it goes on. */
export interface Span {
  from: number;
  to: number | null;
}

/**
 * Seconds until the service is ready.
 * @param elapsed - seconds since it was called
 * @param lastColdStart - seconds that this browser waited the last time; null where it never did
 * @returns null where nobody can say
 */
export function secondsLeft(
  snapshot: WarmupSnapshot | null,
  elapsed: number,
  lastColdStart: number | null,
): number | null {
  // Longer than the last time: that figure says nothing any more.
  if (lastColdStart !== null && lastColdStart > elapsed) return lastColdStart - elapsed;
  const running = snapshot?.phases.find(({ status }) => status === 'running');
  if (!running?.bytes || !running.totalBytes || running.seconds <= 0) return null;
  return ((running.totalBytes - running.bytes) * running.seconds) / running.bytes;
}

/** Seconds of a cold start that passed while somebody recorded. */
export function hiddenSeconds(wake: { from: number; to: number }, recordings: Span[]): number {
  const shared = recordings.map(({ from, to }) =>
    Math.max(0, Math.min(wake.to, to ?? wake.to) - Math.max(wake.from, from)),
  );
  return shared.reduce((sum, milliseconds) => sum + milliseconds, 0) / 1000;
}

const ENTRY = 'kikitori.cold-start';

/** How long the last cold start took in this browser, seconds; null where there was none. */
export function lastColdStart(): number | null {
  try {
    const seconds = Number(localStorage.getItem(ENTRY));
    return seconds > 0 ? seconds : null;
  } catch {
    return null; // storage is blocked
  }
}

export function keepColdStart(seconds: number): void {
  try {
    localStorage.setItem(ENTRY, seconds.toFixed(1));
  } catch {
    // Blocked or full: there is no estimate the next time.
  }
}
