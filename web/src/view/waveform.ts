import { meterShare } from '../page/quantities';
import { part } from './element';

/** Width of a bar with the gap after it, CSS pixels. */
const STEP = 5;
const BAR = 3;
/** More than fit into the widest place. */
const KEPT = 256;
/** Moments that share a bar where the reader wants less motion: it then moves once a second. */
const CALM = 20;

/** Loudness over time as bars: the newest at the right, the older ones moving left. */
export class Waveform {
  readonly #element: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  /** Shares of the height; `#next` is the place of the next one and so of the oldest. */
  readonly #bars = new Float32Array(KEPT);
  #next = 0;
  /** Moments that are in the newest bar. */
  #moments = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
    this.#canvas = part<HTMLCanvasElement>('canvas', element);
    const redraw = (): void => this.draw();
    new ResizeObserver(redraw).observe(element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
    document.addEventListener('visibilitychange', redraw);
    this.clear();
  }

  /**
   * Adds a moment.
   * @param rms - root mean square, 0..1
   * @param peak - highest value, 0..1
   */
  show(rms: number, peak: number): void {
    const newest = (this.#next + KEPT - 1) % KEPT;
    const share = Math.max(meterShare(rms), meterShare(peak) * 0.85);
    if (this.#calm.matches && this.#moments < CALM) {
      this.#bars[newest] = Math.max(this.#bars[newest] ?? 0, share);
      this.#moments++;
      if (this.#moments < CALM) return;
    } else {
      this.#bars[this.#next] = share;
      this.#next = (this.#next + 1) % KEPT;
      this.#moments = 1;
    }
    this.#tell(meterShare(rms));
    this.draw();
  }

  clear(): void {
    this.#bars.fill(0);
    this.#moments = 0;
    this.#tell(0);
    this.draw();
  }

  #tell(share: number): void {
    const percent = Math.round(share * 100);
    this.#element.setAttribute('aria-valuenow', String(percent));
    // For the glow around the record button.
    this.#element.parentElement?.style.setProperty('--level', String(percent / 100));
  }

  /** Draws again, in the canvas's own color, which the style sheet decides. */
  draw(): void {
    if (document.hidden) return;
    const canvas = this.#canvas;
    const { clientWidth, clientHeight } = canvas;
    const context = canvas.getContext('2d');
    if (!context || clientWidth === 0) return;
    canvas.width = Math.round(clientWidth * devicePixelRatio);
    canvas.height = Math.round(clientHeight * devicePixelRatio);
    context.scale(devicePixelRatio, devicePixelRatio);
    context.fillStyle = getComputedStyle(canvas).color;
    const count = Math.min(KEPT, Math.floor((clientWidth + STEP - BAR) / STEP));
    for (let age = 0; age < count; age++) {
      const share = this.#bars[(this.#next + 2 * KEPT - 1 - age) % KEPT] ?? 0;
      const height = BAR + share * (clientHeight - BAR);
      // Old bars fade out instead of ending at an edge.
      context.globalAlpha = Math.min(1, (count - age) / (count * 0.25));
      context.beginPath();
      context.roundRect(clientWidth - BAR - age * STEP, (clientHeight - height) / 2, BAR, height, BAR / 2);
      context.fill();
    }
  }
}
