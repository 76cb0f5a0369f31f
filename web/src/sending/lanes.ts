/** Lets a few go on at a time, the urgent ones first. */
export class Lanes {
  #free: number;
  readonly #waiting: { urgent: boolean; enter: () => void }[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Resolves when there is a free lane, with the function that leaves it, or with null when it was given up meanwhile.
   */
  async enter(urgent: boolean, signal: AbortSignal): Promise<(() => void) | null> {
    if (signal.aborted) return null;
    if (this.#free > 0) {
      this.#free--;
      return () => this.#leave();
    }
    return new Promise((resolve) => {
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(place), 1);
        resolve(null);
      };
      const enter = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(() => this.#leave());
      };
      const place = { urgent, enter };
      const behind = urgent ? this.#waiting.findIndex((other) => !other.urgent) : -1;
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, place);
      signal.addEventListener('abort', giveUp);
    });
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next.enter();
    else this.#free++;
  }
}
