// The global scope of an AudioWorklet, which TypeScript's DOM library leaves out.

declare const sampleRate: number;

declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

declare function registerProcessor(
  name: string,
  processor: new (
    options: AudioWorkletNodeOptions,
  ) => AudioWorkletProcessor & {
    process(inputs: Float32Array[][]): boolean;
  },
): void;
