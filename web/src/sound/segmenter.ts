import type { Stretch } from '../history/answer';

/** Finds where speech may be cut, as it comes in. */
export interface Segmenter {
  /**
   * Takes the next samples, in blocks of any size, and returns the stretches that they completed: in order, without
   * overlap, and with whatever was spoken in one of them.
   */
  push(pcm: Int16Array): Stretch[];
  /** The rest; null where nobody spoke in it. */
  end(): Stretch | null;
}
