import { meterShare } from '../page/quantities';
import { create } from './element';

/** Bars on each side of the middle one. */
const REACH = 22;

/** Loudness of the last moments: the newest in the middle, the older ones travelling outwards. */
export class LevelMeter {
  readonly #element: HTMLElement;
  /** The bars that show the moment `index` steps ago: one in the middle, then always two. */
  readonly #bars: HTMLElement[][];
  #shares: number[] = [];

  constructor(element: HTMLElement) {
    this.#element = element;
    const bars = Array.from({ length: REACH * 2 + 1 }, () => create('span', 'level-bar'));
    this.#bars = Array.from({ length: REACH + 1 }, (_, step) =>
      [bars[REACH - step], bars[REACH + step]].filter((bar) => bar !== undefined),
    );
    element.replaceChildren(...bars);
    this.clear();
  }

  /** @param rms - root mean square, 0..1 */
  show(rms: number): void {
    this.#shares = [meterShare(rms), ...this.#shares].slice(0, REACH + 1);
    this.#draw();
  }

  clear(): void {
    this.#shares = [];
    this.#draw();
  }

  #draw(): void {
    const percent = Math.round((this.#shares[0] ?? 0) * 100);
    this.#element.setAttribute('aria-valuenow', String(percent));
    // For the glow around the record button.
    this.#element.parentElement?.style.setProperty('--level', String(percent / 100));
    this.#bars.forEach((pair, step) => {
      const share = (this.#shares[step] ?? 0) * (1 - step / (REACH * 1.4));
      for (const bar of pair) bar.style.setProperty('--share', share.toFixed(3));
    });
  }
}
