import { PcmChunker, SAMPLE_RATE } from './pcm';

/** How long the head of a file may take to be read, ms. A browser that does not read it says nothing. */
const HEAD_MS = 5000;

/** Length of a file as its head has it, seconds; null where the browser cannot tell. */
export async function lengthOf(file: Blob): Promise<number | null> {
  const url = URL.createObjectURL(file);
  const audio = new Audio();
  try {
    await new Promise<unknown>((resolve) => {
      audio.onloadedmetadata = audio.onerror = resolve;
      setTimeout(resolve, HEAD_MS);
      audio.preload = 'metadata';
      audio.src = url;
    });
    return Number.isFinite(audio.duration) ? audio.duration : null;
  } finally {
    audio.removeAttribute('src');
    URL.revokeObjectURL(url);
  }
}

/**
 * Decodes a file of any format that the browser knows.
 * @param file - detached afterwards
 * @returns seconds of 16 kHz mono 16-bit PCM, of which the last one may be shorter
 * @throws {DOMException} of name `EncodingError` where the browser cannot read it
 */
export async function decode(file: ArrayBuffer): Promise<ArrayBuffer[]> {
  // Decoding resamples to the rate of its context, whose own length means nothing here.
  const sound = await new OfflineAudioContext(1, 1, SAMPLE_RATE).decodeAudioData(file);
  const channels = Array.from({ length: sound.numberOfChannels }, (_, index) => sound.getChannelData(index));
  const chunker = new PcmChunker(sound.length);
  const pieces: ArrayBuffer[] = [];
  for (let from = 0; from < sound.length; from += SAMPLE_RATE) {
    const mono = new Float32Array(Math.min(SAMPLE_RATE, sound.length - from));
    for (const channel of channels) {
      for (let at = 0; at < mono.length; at++) {
        mono[at] = (mono[at] ?? 0) + (channel[from + at] ?? 0) / channels.length;
      }
    }
    pieces.push(...chunker.push(mono));
  }
  const rest = chunker.flush();
  return rest ? [...pieces, rest] : pieces;
}
