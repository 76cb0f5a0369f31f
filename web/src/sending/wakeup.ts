import { Observable } from '../page/observable';
import type { Service } from '../service/service';
import { type Failure, ServiceError } from '../service/service-error';
import type { WarmupSnapshot } from '../service/warmup';

/**
 * How far the service is in waking up.
 * - `idle`: nobody wants it, nothing is open
 * - `calling`: asked, no answer yet; the platform may just be starting a machine
 * - `unreachable`: it could not be asked
 */
export type WakeupState =
  | { status: 'idle' | 'calling' }
  | { status: WarmupSnapshot['status']; snapshot: WarmupSnapshot }
  | { status: 'unreachable'; failure: Failure };

/** Wakes the service while somebody wants it, and follows its cold start. Never throws. */
export class Wakeup {
  readonly state = new Observable<WakeupState>({ status: 'idle' });
  readonly #service: Pick<Service, 'warmup' | 'warmupEvents'>;
  #wanted = 0;
  #following: AbortController | null = null;

  constructor(service: Pick<Service, 'warmup' | 'warmupEvents'>) {
    this.#service = service;
  }

  /**
   * Wakes the service unless that is under way already.
   * @returns call it once when the service is no longer wanted; with the last one the connection closes
   */
  want(): () => void {
    this.#wanted++;
    const { status } = this.state.value;
    if (status === 'idle' || status === 'unreachable' || status === 'failed') void this.#follow();
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

  async #follow(): Promise<void> {
    this.#following?.abort();
    const following = new AbortController();
    this.#following = following;
    const show = (state: WakeupState): void => {
      if (!following.signal.aborted) this.state.set(state);
    };
    show({ status: 'calling' });
    try {
      const snapshot = await this.#service.warmup(following.signal);
      show({ status: snapshot.status, snapshot });
      if (snapshot.status !== 'loading') return;
      for await (const next of this.#service.warmupEvents(following.signal)) {
        show({ status: next.status, snapshot: next });
      }
      if (this.state.value.status === 'loading') throw new ServiceError('cut');
    } catch (error) {
      const failure = error instanceof ServiceError ? error.failure : new ServiceError('failed').failure;
      show({ status: 'unreachable', failure });
    }
  }
}
