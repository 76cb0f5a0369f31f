import { errorMessage } from './service-error';

/** A cold start as the service tells it. */
export interface WarmupSnapshot {
  status: 'loading' | 'ready' | 'failed';
  /** Since the process started, seconds. */
  seconds: number;
  phases: WarmupPhase[];
  /** Why it failed; null unless it did. Untrusted text. */
  error: string | null;
}

export interface WarmupPhase {
  /** process, imports, weights, device, warmup, or one this page does not know. Untrusted text. */
  name: string;
  status: 'waiting' | 'running' | 'done' | 'failed';
  seconds: number;
  /** Progress in bytes, where the phase has any. */
  bytes: number | null;
  totalBytes: number | null;
}

/** Reads a snapshot; null for anything that is none. */
export function parseSnapshot(value: unknown): WarmupSnapshot | null {
  const snapshot = value as Record<string, unknown> | null;
  const status = snapshot?.status;
  if (status !== 'loading' && status !== 'ready' && status !== 'failed') return null;
  const phases: unknown[] = Array.isArray(snapshot?.phases) ? snapshot.phases : [];
  return {
    status,
    seconds: number(snapshot?.seconds) ?? 0,
    phases: phases.map(parsePhase).filter((phase) => phase !== null),
    error: errorMessage(snapshot?.error),
  };
}

function parsePhase(value: unknown): WarmupPhase | null {
  const phase = value as Record<string, unknown> | null;
  if (typeof phase?.phase !== 'string') return null;
  const status = phase.status;
  return {
    name: phase.phase,
    status: status === 'running' || status === 'done' || status === 'failed' ? status : 'waiting',
    seconds: number(phase.seconds) ?? 0,
    bytes: number(phase.bytes),
    totalBytes: number(phase.total_bytes),
  };
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}
