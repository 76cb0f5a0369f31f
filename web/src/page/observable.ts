/** A value that tells its observers when it changes; the only glue between the parts of the page. */
export class Observable<T> {
  #value: T;
  readonly #observers = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
    for (const observer of [...this.#observers]) observer(value);
  }

  /** Resolves when the value fulfils the condition, at once where it does already. */
  when(condition: (value: T) => boolean): Promise<T> {
    return new Promise((resolve) => {
      const observer = (value: T): void => {
        if (!condition(value)) return;
        this.#observers.delete(observer);
        resolve(value);
      };
      this.subscribe(observer);
    });
  }

  /** Calls `observer` now and after every change, until the returned function is called. */
  subscribe(observer: (value: T) => void): () => void {
    this.#observers.add(observer);
    observer(this.#value);
    return () => this.#observers.delete(observer);
  }
}
