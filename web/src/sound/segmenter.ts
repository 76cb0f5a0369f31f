import type { Stretch } from '../history/answer';
import { SAMPLE_RATE } from './pcm';

/** Samples of a frame, 30 ms: the smallest thing that is speech or not. */
const FRAME = 480;
const seconds = (value: number): number => value * SAMPLE_RATE;
const frames = (value: number): number => Math.round(seconds(value) / FRAME);

/** Taken in before and after speech, whose soft beginnings and ends lie below the threshold. */
const MARGIN = seconds(0.3);
/** The room's noise is the quietest moment of this time, frames. */
const MEMORY = frames(6);
/** Length of a moment, frames. */
const MOMENT = frames(0.15);
/** What comes first is judged when this much is known of the room, frames. */
const ACQUAINTANCE = frames(1);
/** The room's noise as power of full scale, whatever is measured: who never pauses is no noise. */
const LOWEST_NOISE = power(-75);
const HIGHEST_NOISE = power(-45);
/** Speech is this many times as strong as the noise, and at least that strong. */
const OVER_NOISE = power(8);
const LOWEST_SPEECH = power(-60);
/** No stretch is longer: models hear 30 s at once. */
const LONGEST = seconds(28);
/** How long a pause must be to cut a stretch which has that length together with it, samples; linear in between. */
const PAUSES = [
  { length: seconds(2), pause: seconds(1.5) },
  { length: seconds(8), pause: seconds(0.6) },
  { length: seconds(15), pause: seconds(0.3) },
];

interface Frame {
  /** The sample after its last. */
  end: number;
  /** Mean power, of full scale. */
  power: number;
  /** Mean power of the moment that it ends; 0 where the microphone was not on for all of it. */
  moment: number;
  spoken: boolean;
}

/**
 * Finds where speech may be cut, as it comes in: at pauses, and a longer stretch needs only a shorter one. Silence is
 * in no stretch. What may be speech counts as speech, because what is not sent is not heard.
 */
export class Segmenter {
  /** The samples of a frame that is not full yet, and the sum of their squares. */
  #filled = 0;
  #squares = 0;
  #end: number;
  /** The last ones. */
  readonly #frames: Frame[] = [];
  /** How many of them, at their end, are still to be judged. */
  #unjudged = 0;
  /** Where the last stretch ended; the next does not begin earlier. */
  #done: number;
  /** Where the stretch in progress begins; null while nobody speaks. */
  #from: number | null = null;
  #spokenUntil = 0;

  /** @param from - sample to begin at, where a recording is taken up again */
  constructor(from = 0) {
    this.#end = this.#done = from;
  }

  /**
   * Takes the next samples, in blocks of any size, and returns the stretches that they completed: in order, without
   * overlap, and with whatever was spoken in one of them.
   */
  push(pcm: Int16Array): Stretch[] {
    const complete: Stretch[] = [];
    for (const sample of pcm) {
      this.#squares += sample * sample;
      if (++this.#filled < FRAME) continue;
      this.#take();
      if (this.#frames.length < ACQUAINTANCE) continue;
      for (const frame of this.#judged()) {
        const to = this.#cutAfter(frame);
        if (to !== null) complete.push(this.#cut(to));
      }
    }
    return complete;
  }

  /** The rest; null where nobody spoke in it. */
  end(): Stretch | null {
    if (this.#filled > 0) this.#take();
    for (const _ of this.#judged());
    return this.#from === null ? null : this.#cut(Math.min(this.#end, this.#spokenUntil + MARGIN));
  }

  #take(): void {
    const mean = this.#squares / this.#filled / 32768 ** 2;
    this.#end += this.#filled;
    this.#filled = this.#squares = 0;
    const powers = [...this.#frames.slice(1 - MOMENT).map((frame) => frame.power), mean];
    this.#frames.push({
      end: this.#end,
      power: mean,
      // Exactly nothing comes from a microphone that is not on, and a moment with some of it is none of the room's.
      moment: powers.includes(0) ? 0 : powers.reduce((sum, value) => sum + value) / powers.length,
      spoken: false,
    });
    if (this.#frames.length > MEMORY) this.#frames.shift();
    this.#unjudged++;
  }

  *#judged(): Generator<Frame> {
    while (this.#unjudged > 0) {
      const frame = this.#frames[this.#frames.length - this.#unjudged--] as Frame;
      frame.spoken = frame.power > Math.max(LOWEST_SPEECH, this.#noise() * OVER_NOISE);
      if (frame.spoken) {
        this.#from ??= beginning(frame, this.#done);
        this.#spokenUntil = frame.end;
      }
      yield frame;
    }
  }

  #noise(): number {
    let quietest = HIGHEST_NOISE;
    for (const { moment } of this.#frames) {
      if (moment > 0 && moment < quietest) quietest = moment;
    }
    return Math.max(LOWEST_NOISE, quietest);
  }

  /** Where the stretch in progress can be cut now that it has come to this frame; null where it goes on. */
  #cutAfter({ end }: Frame): number | null {
    if (this.#from === null) return null;
    const length = end - this.#from;
    if (end - this.#spokenUntil >= pauseThatCuts(length)) return this.#spokenUntil + MARGIN;
    // One frame early: the last one of a recording may be shorter, and ends no stretch.
    return length > LONGEST - 2 * FRAME ? this.#quietest() : null;
  }

  /** The middle of the quietest moment in memory, the latest of equals. */
  #quietest(): number {
    const { end } = this.#frames.reduce((a, b) => (b.moment <= a.moment ? b : a));
    return end - Math.round((MOMENT * FRAME) / 2);
  }

  #cut(to: number): Stretch {
    const stretch = { from: this.#from ?? this.#done, to };
    this.#done = to;
    const next = this.#frames.find((frame) => frame.spoken && frame.end > to);
    this.#from = next ? beginning(next, to) : null;
    return stretch;
  }
}

/** Where a stretch begins whose first speech is this frame. */
function beginning({ end }: Frame, earliest: number): number {
  return Math.max(earliest, end - FRAME - MARGIN);
}

function pauseThatCuts(length: number): number {
  let shorter: (typeof PAUSES)[number] | undefined;
  for (const step of PAUSES) {
    if (length < step.length) {
      if (!shorter) return Number.POSITIVE_INFINITY;
      const share = (length - shorter.length) / (step.length - shorter.length);
      return shorter.pause + share * (step.pause - shorter.pause);
    }
    shorter = step;
  }
  return shorter?.pause ?? 0;
}

function power(decibels: number): number {
  return 10 ** (decibels / 10);
}
