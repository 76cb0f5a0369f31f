import { Observable } from '../page/observable';

/** What one tab works on at a time: a recording that is being made, and an answer that is being sent. */
export const recordingName = (id: string): string => `kikitori.recording.${id}`;
export const answerName = (recording: string, key: string): string => `kikitori.answer.${recording} ${key}`;

/** Gives up the ownership; resolves when others can take it. */
export type Release = () => Promise<void>;

/** The part of `navigator.locks` that is needed here. */
export type Locks = Pick<LockManager, 'request'>;

/**
 * Which tab works on what. Without it a second tab would take a recording in progress for the
 * remains of a crash. The browser frees the lock when a tab closes or crashes.
 */
export class Ownership {
  /** How much this tab owns at present. */
  readonly held = new Observable(0);
  readonly #locks: Locks | undefined;

  /** @param locks - undefined where the browser has none: every tab then takes itself for the only one */
  constructor(locks: Locks | undefined = globalThis.navigator?.locks) {
    this.#locks = locks;
  }

  /** Whether other tabs' work is known at all. */
  get knows(): boolean {
    return this.#locks !== undefined;
  }

  /** Takes a name, or returns null when another task or tab has it. */
  async take(name: string): Promise<Release | null> {
    const release = await this.#request(name, { ifAvailable: true });
    return release && this.#counted(release);
  }

  /** Takes a name as soon as nobody else has it. */
  async wait(name: string): Promise<Release> {
    return this.#counted((await this.#request(name, {})) as Release);
  }

  #counted(release: Release): Release {
    this.held.set(this.held.value + 1);
    return () => {
      this.held.set(this.held.value - 1);
      return release();
    };
  }

  #request(name: string, options: LockOptions): Promise<Release | null> {
    const locks = this.#locks;
    if (!locks) return Promise.resolve(nothing);
    return new Promise((resolve) => {
      const freed: Promise<void> = locks
        .request(name, options, (lock) => {
          if (!lock) {
            resolve(null);
            return undefined;
          }
          // The lock is held until this promise settles.
          return new Promise<void>((free) => {
            resolve(() => {
              free();
              return freed;
            });
          });
        })
        // Refused, as where storage is blocked: as good as a browser that has no locks.
        .catch(() => resolve(nothing));
    });
  }
}

async function nothing(): Promise<void> {}
