import { Segmenter } from '../sound/segmenter';
import type { OpenQuestion } from './asking';

/** Asks about a recording while it is being made: cuts it in its pauses and sends each stretch as soon as it is stored. */
export class WhileSpeaking {
  readonly #question: OpenQuestion;
  readonly #longest: number;
  readonly #segmenter = new Segmenter();
  #samples = 0;
  #asked = false;

  /** @param longest - of what one request takes, samples */
  constructor(question: OpenQuestion, longest: number) {
    this.#question = question;
    this.#longest = longest;
  }

  /** The next sound of the recording is stored. */
  stored(pcm: ArrayBuffer): void {
    this.#samples += pcm.byteLength / 2;
    for (const stretch of this.#segmenter.push(new Int16Array(pcm))) {
      this.#asked = true;
      this.#question.add(stretch);
    }
  }

  /** Nothing follows. Resolves when the answer is whole or has failed. */
  end(): Promise<void> {
    const rest = this.#segmenter.end();
    if (rest) this.#question.add(rest);
    // Who spoke too softly for the segmenter may still be understood.
    else if (!this.#asked) this.#question.add({ from: 0, to: Math.min(this.#samples, this.#longest) });
    return this.#question.close();
  }

  /** The browser could not keep all that belongs to it. */
  breakOff(): void {
    this.#question.breakOff();
  }

  /** The recording is not wanted. */
  abandon(): void {
    this.#question.abandon();
  }
}
