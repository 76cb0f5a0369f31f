/** Gives up the ownership of a recording; resolves when others can take it. */
export type Release = () => Promise<void>;

/** The part of `navigator.locks` that is needed here. */
export type Locks = Pick<LockManager, 'request'>;

/**
 * Which tab works on a recording. Without it a second tab would take a recording in progress for the
 * remains of a crash. The browser frees the lock when a tab closes or crashes.
 */
export class Ownership {
  readonly #locks: Locks | undefined;

  /** @param locks - undefined where the browser has none: every tab then takes itself for the only one */
  constructor(locks: Locks | undefined = globalThis.navigator?.locks) {
    this.#locks = locks;
  }

  /** Takes a recording, or returns null when another task or tab has it. */
  take(id: string): Promise<Release | null> {
    return this.#request(id, { ifAvailable: true });
  }

  /** Takes a recording as soon as nobody else has it. */
  async wait(id: string): Promise<Release> {
    return (await this.#request(id, {})) as Release;
  }

  #request(id: string, options: LockOptions): Promise<Release | null> {
    const locks = this.#locks;
    if (!locks) return Promise.resolve(nothing);
    return new Promise((resolve) => {
      const freed: Promise<void> = locks
        .request(`kikitori.recording.${id}`, options, (lock) => {
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
