/**
 * Sound in the history, as it is kept in the browser. Its seconds or its file lie beside it under the same id, and so do the
 * answers about it.
 */
export interface Recording {
  id: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** Given by the person or the file, untrusted; null: its time stands for it. */
  name: string | null;
  /** `pcm`: seconds of 16 kHz mono 16-bit. Else the media type, untrusted, of a file kept as it was. */
  sound: 'pcm' | { type: string };
  /** Length in seconds; null while unknown, as for a file that was never sent. */
  seconds: number | null;
  /** `recording`: the microphone is on. */
  state: 'recording' | 'kept';
}
