import { Zip, ZipPassThrough } from 'fflate';
import { BYTES_PER_SECOND } from '../sound/pcm';
import { WAV_HEADER_BYTES, wavFile } from '../sound/wav';
import type { Answer } from './answer';
import { ArchiveError } from './archive-error';
import { type Archived, type ArchivedRecording, parseArchived } from './archived';
import { soundFile } from './exports';
import type { Library } from './library';
import { type ZipEntry, zipDirectory } from './zip-directory';

export interface Imported {
  /** Recordings that are new here. */
  added: number;
  /** Recordings that were here already; only answers that were missing are added to them. */
  present: number;
}

const INDEX = 'history.json';
/** Sizes and places in a zip have 32 bits, the count of its files 16. */
const MAX_BYTES = 0xffff_ffff;
const MAX_FILES = 0xffff;
/** Left free for the last chunk and the directory at the end, which has some hundred bytes for each file. */
const BYTES_FOR_DIRECTORY = 2 ** 26;

/**
 * Everything in one zip: `history.json`, and the sound of each recording under `audio/`. What is being recorded now
 * is left out.
 * @throws {ArchiveError} `too-large`
 */
export async function exportArchive(library: Library): Promise<File> {
  if (library.recordings.value.length >= MAX_FILES) throw new ArchiveError('too-large');
  const packing = new Packing();
  const recordings: ArchivedRecording[] = [];
  for (const recording of library.recordings.value) {
    if (recording.state === 'recording') continue;
    const audio = await library.audio(recording);
    const ending = soundFile(recording, audio).name.split('.').at(-1);
    const file = `audio/${recording.id}.${ending}`;
    await packing.add(file, audio);
    recordings.push({ ...recording, file });
  }
  const exported = new Set(recordings.map(({ id }) => id));
  const answers = library.answers.value.filter(({ recording }) => exported.has(recording));
  const index: Archived = { format: 'kikitori', version: 1, recordings, answers };
  await packing.add(INDEX, new Blob([JSON.stringify(index)]));
  const day = new Date().toISOString().slice(0, 10);
  return new File([packing.end()], `kikitori-${day}.zip`, { type: 'application/zip' });
}

/**
 * Adds what an archive holds. Nothing that is here is overwritten: a recording with the same sound is left as it is, one
 * with another sound under the same id gets a new one. Everything is looked at before the first is added.
 * @throws {ArchiveError} and nothing was added
 * @throws {DOMException} where the browser cannot keep it; those before are added
 */
export async function importArchive(zip: Blob, library: Library): Promise<Imported> {
  const entries = await zipDirectory(zip).catch((error: unknown) => {
    throw new ArchiveError('not-an-archive', '', error);
  });
  const index = entries.get(INDEX);
  if (!index) throw new ArchiveError('not-an-archive');
  const { recordings, answers } = await reading(INDEX, async () =>
    parseArchived(JSON.parse(await (await index.blob()).text())),
  );
  for (const recording of recordings) await soundOf(recording, entries);
  const result: Imported = { added: 0, present: 0 };
  for (const recording of recordings) {
    const own = answers.filter((answer) => answer.recording === recording.id);
    const isNew = await addTo(library, recording, await soundOf(recording, entries), own);
    result[isNew ? 'added' : 'present']++;
  }
  return result;
}

/** @returns whether the recording was not here yet */
async function addTo(
  library: Library,
  { file: _, ...recording }: ArchivedRecording,
  audio: Blob,
  answers: Answer[],
): Promise<boolean> {
  const present = library.get(recording.id);
  if (present && (await equal(await library.audio(present), audio))) {
    const missing = answers.filter(({ key }) => !library.answer(present.id, key));
    for (const answer of missing) await library.putAnswer(answer);
    return false;
  }
  const id = present ? crypto.randomUUID() : recording.id;
  await library.restore({
    recording: { ...recording, id },
    audio: recording.sound === 'pcm' ? await secondsOf(audio) : [await audio.arrayBuffer()],
    answers: answers.map((answer) => ({ ...answer, recording: id })),
    parts: [],
  });
  return true;
}

function soundOf({ sound, file }: ArchivedRecording, entries: Map<string, ZipEntry>): Promise<Blob> {
  return reading(file, async () => {
    const blob = await entries.get(file)?.blob();
    if (!blob) throw new Error('missing');
    if (sound === 'pcm' && !(await isOurWav(blob))) throw new Error('no WAV of this page');
    return blob;
  });
}

/** Whether a file is a WAV as this page writes it; anything else would play at the wrong speed. */
async function isOurWav(wav: Blob): Promise<boolean> {
  const bytes = wav.size - WAV_HEADER_BYTES;
  if (bytes <= 0 || bytes % 2 === 1) return false;
  // The length, which stands at two places, is the only thing that differs.
  const expected = new DataView(await wavFile([]).arrayBuffer());
  expected.setUint32(4, wav.size - 8, true);
  expected.setUint32(40, bytes, true);
  return equal(wav.slice(0, WAV_HEADER_BYTES), new Blob([expected.buffer]));
}

async function secondsOf(wav: Blob): Promise<ArrayBuffer[]> {
  const seconds: ArrayBuffer[] = [];
  for (let from = WAV_HEADER_BYTES; from < wav.size; from += BYTES_PER_SECOND) {
    seconds.push(await wav.slice(from, from + BYTES_PER_SECOND).arrayBuffer());
  }
  return seconds;
}

const COMPARED_AT_ONCE = 2 ** 20;

async function equal(a: Blob, b: Blob): Promise<boolean> {
  if (a.size !== b.size) return false;
  for (let from = 0; from < a.size; from += COMPARED_AT_ONCE) {
    const [left, right] = await Promise.all(
      [a, b].map(
        async (blob) => new Uint8Array(await blob.slice(from, from + COMPARED_AT_ONCE).arrayBuffer()),
      ),
    );
    if (left?.some((byte, index) => byte !== right?.[index])) return false;
  }
  return true;
}

/** @param part - what is damaged where this fails */
async function reading<T>(part: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new ArchiveError('damaged', part, error);
  }
}

/** A zip under way. Sound hardly gets smaller, so nothing is compressed. */
class Packing {
  readonly #zip: Zip;
  #chunks: BlobPart[] = [];
  #bytes = 0;

  constructor() {
    this.#zip = new Zip((error, chunk) => {
      if (error) throw error; // only of names that are too long or given after the end
      this.#chunks.push(chunk);
      this.#bytes += chunk.byteLength;
    });
  }

  async add(name: string, content: Blob): Promise<void> {
    const file = new ZipPassThrough(name);
    this.#zip.add(file);
    const reader = content.stream().getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      if (this.#bytes > MAX_BYTES - BYTES_FOR_DIRECTORY) throw new ArchiveError('too-large');
      file.push(read.value);
    }
    file.push(new Uint8Array(), true);
    // The browser can put a Blob on the disk.
    this.#chunks = [new Blob(this.#chunks)];
  }

  end(): Blob {
    this.#zip.end();
    return new Blob(this.#chunks);
  }
}
