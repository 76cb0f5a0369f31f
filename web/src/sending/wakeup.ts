import { Observable } from '../page/observable';
import type { Service } from '../service/service';
import { type Failure, ServiceError } from '../service/service-error';
import type { WarmupSnapshot } from '../service/warmup';
import { delayBefore } from './backoff';

/**
 * How far the service is in waking up.
 * - `idle`: nobody wants it, nothing is open
 * - `calling`: asked, no answer yet; the platform may just be starting a machine
 * - `unreachable`: it could not be asked
 */
export type WakeupState =
  | { status: 'idle' }
  | ({ status: 'calling' } & Called)
  | ({ status: 'loading' | 'failed'; snapshot: WarmupSnapshot } & Called)
  | ({ status: 'ready'; snapshot: WarmupSnapshot; readyAt: number; cold: boolean } & Called)
  | ({ status: 'unreachable'; failure: Failure } & Called);

interface Called {
  /** Milliseconds since 1970. */
  calledAt: number;
}

/** A service that heard nothing for this long may be asleep again, ms. */
const AWAKE_MS = 5 * 60_000;

/** Wakes the service while somebody wants it, and follows its cold start. */
export class Wakeup {
  readonly state = new Observable<WakeupState>({ status: 'idle' });
  readonly #service: Pick<Service, 'warmup' | 'warmupEvents'>;
  #wanted = 0;
  #following: AbortController | null = null;
  /** When the service last answered, ms. */
  #contactAt = 0;
  /** Calls in a row that nobody answered, and when `renew` may make the next one; null: not by itself. */
  #failures = 0;
  #retryAt: number | null = null;

  constructor(service: Pick<Service, 'warmup' | 'warmupEvents'>) {
    this.#service = service;
  }

  /**
   * Wakes the service unless that is under way already.
   * @returns call it once when the service is no longer wanted; with the last one the connection closes
   */
  want(): () => void {
    this.#wanted++;
    if (this.#isDown()) {
      this.#failures = 0;
      void this.#follow();
    }
    let released = false;
    return () => {
      if (released) return;
      released = true;
      if (--this.#wanted > 0) return;
      this.#following?.abort();
      this.#following = null;
      this.state.set({ status: 'idle' });
    };
  }

  /**
   * Resolves when the service is ready; to be called by one that wants it. Where the last call found nobody, it is called
   * anew: what went wrong then says nothing about now.
   * @throws {ServiceError} it cannot be reached, or could not wake up
   */
  async ready(signal: AbortSignal): Promise<void> {
    if (!signal.aborted && this.#wanted > 0 && this.#isDown()) void this.#follow();
    const settled = this.state.when(({ status }) => status !== 'calling' && status !== 'loading');
    const waiting = new AbortController();
    const given = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => resolve(null), { signal: waiting.signal });
    });
    const state = signal.aborted ? null : await Promise.race([settled, given]);
    waiting.abort();
    if (!state || state.status === 'idle') throw new ServiceError('aborted');
    if (state.status === 'unreachable') throw new ServiceError(state.failure.kind, state.failure);
    if (state.status === 'failed') throw new ServiceError('unavailable', { detail: state.snapshot.error });
  }

  /**
   * Wakes the service again where it may have fallen asleep, or could not be woken before. To be called at each second
   * of a recording: there is no timer, so nothing wakes the service when nobody speaks.
   */
  renew(): void {
    if (this.#wanted === 0) return;
    const now = Date.now();
    const asleep = this.state.value.status === 'ready' && now - this.#contactAt >= AWAKE_MS;
    const due = this.#isDown() && this.#retryAt !== null && now >= this.#retryAt;
    if (asleep || due) void this.#follow();
  }

  /** A request was answered. */
  heard(): void {
    this.#contactAt = Date.now();
  }

  /** It may be elsewhere than was known: the service is called anew where somebody wants it. */
  again(): void {
    const { status } = this.state.value;
    if (this.#wanted > 0 && status !== 'calling' && status !== 'loading') void this.#follow();
  }

  #isDown(): boolean {
    return ['idle', 'unreachable', 'failed'].includes(this.state.value.status);
  }

  async #follow(): Promise<void> {
    this.#following?.abort();
    const following = new AbortController();
    this.#following = following;
    const calledAt = Date.now();
    let cold = false;
    const show = (state: WakeupState): void => {
      if (!following.signal.aborted) this.state.set(state);
    };
    const tell = (snapshot: WarmupSnapshot): void => {
      const { status } = snapshot;
      cold ||= status === 'loading';
      this.heard();
      if (status === 'ready') {
        this.#failures = 0;
        show({ status, snapshot, calledAt, readyAt: Date.now(), cold });
      } else {
        show({ status, snapshot, calledAt });
      }
    };
    show({ status: 'calling', calledAt });
    try {
      const snapshot = await this.#service.warmup(following.signal);
      tell(snapshot);
      if (snapshot.status !== 'loading') return;
      for await (const next of this.#service.warmupEvents(following.signal)) tell(next);
      if (this.state.value.status === 'loading') throw new ServiceError('cut');
    } catch (error) {
      if (following.signal.aborted) return;
      const failure = error instanceof ServiceError ? error.failure : new ServiceError('failed').failure;
      const delay = delayBefore(this.#failures++, failure);
      this.#retryAt = delay === null ? null : Date.now() + delay * 1000;
      show({ status: 'unreachable', failure, calledAt });
    }
  }
}
