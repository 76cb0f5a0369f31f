// Runs on the audio thread: only hands blocks over, so that the work stays testable outside of it.
import { Capture, type CaptureOptions, type CaptureOrder } from './capture';

class CaptureProcessor extends AudioWorkletProcessor {
  readonly #capture: Capture;

  constructor(options: AudioWorkletNodeOptions) {
    super();
    this.#capture = new Capture(sampleRate, options.processorOptions as CaptureOptions, (message) =>
      this.port.postMessage(message, message.type === 'chunk' ? [message.pcm] : []),
    );
    // In the message handler, not in `process`: an interrupted context processes nothing any more.
    this.port.onmessage = ({ data }: MessageEvent<CaptureOrder>) => this.#capture.obey(data);
  }

  process(inputs: Float32Array[][]): boolean {
    const mono = inputs[0]?.[0];
    if (mono) this.#capture.push(mono);
    return !this.#capture.ended;
  }
}

registerProcessor('kikitori-capture', CaptureProcessor);
