import type { Library } from '../history/library';
import { type Ownership, type Release, recordingName } from '../history/ownership';
import type { Recording } from '../history/recording';
import { Observable } from '../page/observable';
import { SAMPLE_RATE } from '../sound/pcm';
import { MicrophoneError, type MicrophoneProblem, openMicrophone } from './microphone';
import { type EndReason, Recorder } from './recorder';
import { keepScreenOn } from './wake-lock';

export type DictationState = 'idle' | 'starting' | 'recording' | 'stopping';

/** Why a dictation did not begin. */
export type StartProblem = MicrophoneProblem | 'storage';

export interface DictationOptions {
  library: Library;
  ownership: Ownership;
  /** Longest length, samples at 16 kHz. */
  maxSamples: number;
  /** The microphone is granted; the returned function is called when the dictation is over. */
  onGranted: () => () => void;
  /** It did not begin; nothing was kept. */
  onProblem: (problem: StartProblem) => void;
  /** It ended, and `recording` is kept; null when there was no sound to keep. */
  onEnd: (recording: Recording | null, reason: EndReason) => void;
}

/** One spoken recording after the other, each second of it kept in the library before the next. */
export class Dictation {
  readonly state = new Observable<DictationState>('idle');
  /** Loudness 0..1 (root mean square) and length in seconds of the current recording. */
  readonly meter = new Observable({ rms: 0, seconds: 0 });
  readonly #options: DictationOptions;
  #recorder: Recorder | null = null;

  constructor(options: DictationOptions) {
    this.#options = options;
  }

  /** Starts or stops; without effect while a start or stop is under way. */
  toggle(): void {
    if (this.state.value === 'idle') void this.#start();
    if (this.state.value === 'recording') {
      this.state.set('stopping');
      this.#recorder?.stop();
    }
  }

  async #start(): Promise<void> {
    this.state.set('starting');
    this.meter.set({ rms: 0, seconds: 0 });
    const cleanup: (() => void)[] = [];
    try {
      const stream = await openMicrophone();
      cleanup.push(this.#options.onGranted(), keepScreenOn());
      // Asked for at the first recording, when there is something to lose. A no changes nothing.
      void navigator.storage?.persist?.().catch(() => {});
      await this.#record(stream, cleanup);
    } catch (error) {
      for (const undo of cleanup) undo();
      this.state.set('idle');
      this.#options.onProblem(error instanceof MicrophoneError ? error.problem : 'storage');
    }
  }

  async #record(stream: MediaStream, cleanup: (() => void)[]): Promise<void> {
    const { library, ownership, maxSamples } = this.#options;
    const id = crypto.randomUUID();
    let release: Release | null = null;
    let samples = 0;
    let index = 0;
    let broken = false;
    /** Writes follow one another, so that what is kept never has a hole. */
    let written: Promise<void> = Promise.resolve();
    try {
      release = await ownership.take(recordingName(id));
      await library.put(fresh(id));
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      await release?.();
      throw error;
    }
    const finish = async (reason: EndReason): Promise<void> => {
      this.#recorder = null;
      this.state.set('stopping');
      await written;
      let kept: Recording | null = null;
      try {
        if (samples === 0) await library.remove(id);
        else {
          await library.change(id, { state: 'kept', seconds: samples / SAMPLE_RATE });
          kept = library.get(id) ?? null;
        }
      } catch {
        broken = true; // the seconds are kept, and the next page load settles their entry
      }
      await release?.();
      this.state.set('idle');
      this.meter.set({ rms: 0, seconds: 0 });
      // First the news, so that sending wants the service before the dictation lets go of it.
      this.#options.onEnd(kept, broken ? 'storage' : reason);
      for (const undo of cleanup) undo();
    };
    try {
      const recorder = await Recorder.start(stream, maxSamples, {
        chunk: (pcm) => {
          const { byteLength } = pcm;
          written = written.then(async () => {
            if (broken) return;
            try {
              await library.append(id, index++, pcm);
              samples += byteLength / 2;
            } catch {
              broken = true;
              this.#recorder?.stop('storage');
            }
          });
        },
        level: (rms, seconds) => this.meter.set({ rms, seconds }),
        end: (reason) => void finish(reason),
      });
      // It may have ended while it started, as when the microphone was pulled out.
      if (this.state.value !== 'starting') return;
      this.#recorder = recorder;
      this.state.set('recording');
    } catch (error) {
      await library.remove(id);
      await release?.();
      throw new MicrophoneError('failed', error);
    }
  }
}

function fresh(id: string): Recording {
  return { id, createdAt: Date.now(), name: null, sound: 'pcm', seconds: null, state: 'recording' };
}
