import type { Library } from '../history/library';
import { type Ownership, type Release, recordingName } from '../history/ownership';
import { askToPersist } from '../history/persistence';
import type { Recording } from '../history/recording';
import { Observable } from '../page/observable';
import { BYTES_PER_SECOND, SAMPLE_RATE } from '../sound/pcm';
import { MicrophoneError, type MicrophoneProblem, openMicrophone } from './microphone';
import { type EndReason, type Level, Recorder } from './recorder';
import { keepScreenOn } from './wake-lock';

export type DictationState = 'idle' | 'starting' | 'recording' | 'paused' | 'stopping';

/** Why a dictation did not begin. */
export type StartProblem = MicrophoneProblem | 'storage';

/** What goes along with a recording while it is made. */
export interface Companion {
  /** The next sound of it is stored, a second or at the end less. */
  stored(pcm: ArrayBuffer): void;
  /** It ended and is kept. */
  end(): void;
  /** It ended, and the browser could not keep all that belongs to it. */
  breakOff(): void;
  /** It is not kept. */
  abandon(): void;
}

export interface DictationOptions {
  library: Library;
  ownership: Ownership;
  /** Longest length, samples at 16 kHz; looked at when a recording begins. */
  maxSamples: Observable<number>;
  /** `deviceId` of the microphone that is wished for; null: the system's choice. */
  microphone: () => string | null;
  /** The microphone is granted, or wanted again after a pause; the returned function is called when it is over. */
  onGranted: () => () => void;
  /** Another microphone than the one that was wished for. */
  onOther: (name: string) => void;
  /** A recording begins. Null: nothing goes along with it. */
  onBegin: (recording: Recording) => Companion | null;
  /** It did not begin; nothing was kept. */
  onProblem: (problem: StartProblem) => void;
  /** It ended, and `recording` is kept; null when there was no sound to keep. */
  onEnd: (recording: Recording | null, reason: EndReason) => void;
  /** It was discarded; `undo` brings it into the history. */
  onDiscard: (undo: () => Promise<void>) => void;
}

/** So much may wait for a slow disk: what is not stored yet is lost in a crash. */
const MAX_UNSTORED_BYTES = 10 * BYTES_PER_SECOND;

const SILENCE: Level = { rms: 0, peak: 0, seconds: 0 };

/** One spoken recording after the other, each second of it kept in the library before the next. */
export class Dictation {
  readonly state = new Observable<DictationState>('idle');
  /** Of the current recording. */
  readonly level = new Observable<Level>(SILENCE);
  readonly #options: DictationOptions;
  #recorder: Recorder | null = null;
  #letGo: (() => void) | null = null;

  constructor(options: DictationOptions) {
    this.#options = options;
  }

  /** Starts or stops; without effect while a start or stop is under way. */
  toggle(): void {
    if (this.state.value === 'idle') void this.#start();
    else this.#stop('stopped');
  }

  /** Pauses or goes on. */
  togglePause(): void {
    if (this.state.value === 'recording') {
      this.#recorder?.pause();
      this.state.set('paused');
    } else if (this.state.value === 'paused') {
      // Wanted anew, because nobody cared for the service meanwhile.
      this.#want();
      this.#recorder?.resume();
      this.state.set('recording');
    }
  }

  /** Ends the recording and throws it away. */
  discard(): void {
    this.#stop('discarded');
  }

  #stop(reason: EndReason): void {
    if (this.state.value !== 'recording' && this.state.value !== 'paused') return;
    this.state.set('stopping');
    this.#recorder?.stop(reason);
  }

  #want(): void {
    const former = this.#letGo;
    this.#letGo = this.#options.onGranted();
    former?.();
  }

  async #start(): Promise<void> {
    const { microphone, onOther, onProblem } = this.#options;
    this.state.set('starting');
    this.level.set(SILENCE);
    let letScreenOff: (() => void) | null = null;
    const cleanup = (): void => {
      this.#letGo?.();
      this.#letGo = null;
      letScreenOff?.();
    };
    try {
      const { stream, name, other } = await openMicrophone(microphone());
      this.#want();
      letScreenOff = keepScreenOn();
      if (other) onOther(name);
      askToPersist();
      await this.#record(stream, cleanup);
    } catch (error) {
      cleanup();
      this.state.set('idle');
      onProblem(error instanceof MicrophoneError ? error.problem : 'storage');
    }
  }

  async #record(stream: MediaStream, cleanup: () => void): Promise<void> {
    const { library, ownership, maxSamples, onBegin, onEnd, onDiscard } = this.#options;
    const recording = fresh();
    const { id } = recording;
    let release: Release | null = null;
    let samples = 0;
    let index = 0;
    let unstored = 0;
    let broken = false;
    /** Writes follow one another, so that what is kept never has a hole. */
    let written: Promise<void> = Promise.resolve();
    try {
      release = await ownership.take(recordingName(id));
      await library.put(recording);
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      await release?.();
      throw error;
    }
    const companion = onBegin(recording);
    const breakOff = (): void => {
      broken = true;
      this.#recorder?.stop('storage');
    };
    const finish = async (reason: EndReason): Promise<void> => {
      this.#recorder = null;
      this.state.set('stopping');
      await written;
      let kept: Recording | null = null;
      let undo: (() => Promise<void>) | null = null;
      try {
        if (samples > 0) {
          await library.change(id, { state: 'kept', seconds: samples / SAMPLE_RATE });
          kept = library.get(id) ?? null;
        }
        if (samples === 0 || reason === 'discarded') {
          companion?.abandon();
          const removed = await library.remove(id);
          if (removed && kept) undo = () => library.restore({ ...removed, answers: [], parts: [] });
        } else companion?.end();
      } catch {
        broken = true; // the seconds are kept, and the next page load settles their entry
        if (samples > 0) kept = library.get(id) ?? null;
        if (kept) companion?.breakOff();
        else companion?.abandon();
      }
      await release?.();
      this.state.set('idle');
      this.level.set(SILENCE);
      // First the news, so that sending wants the service before the dictation lets go of it.
      if (undo) onDiscard(undo);
      else onEnd(kept, broken ? 'storage' : reason);
      cleanup();
    };
    try {
      const recorder = await Recorder.start(stream, maxSamples.value, {
        chunk: (pcm) => {
          const { byteLength } = pcm;
          unstored += byteLength;
          if (unstored > MAX_UNSTORED_BYTES) breakOff();
          written = written.then(async () => {
            if (broken) return;
            try {
              await library.append(id, index++, pcm);
              unstored -= byteLength;
              samples += byteLength / 2;
            } catch {
              breakOff();
              return;
            }
            companion?.stored(pcm);
          });
        },
        level: (level) => this.level.set(level),
        end: (reason) => void finish(reason),
      });
      // It may have ended while it started, as when the microphone was pulled out.
      if (this.state.value !== 'starting') return;
      this.#recorder = recorder;
      this.state.set('recording');
    } catch (error) {
      companion?.abandon();
      await library.remove(id);
      await release?.();
      throw new MicrophoneError('failed', error);
    }
  }
}

function fresh(): Recording {
  return {
    id: crypto.randomUUID(),
    createdAt: Date.now(),
    name: null,
    sound: 'pcm',
    seconds: null,
    state: 'recording',
  };
}
