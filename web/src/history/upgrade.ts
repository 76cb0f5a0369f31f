import type { IDBPTransaction, StoreNames } from 'idb';
import type { Failure } from '../service/service-error';
import { newAnswer, TRANSCRIBE } from './answer';
import type { Recording } from './recording';
import type { Schema } from './store';

/** A recording as version 1 of the database held it, its transcript in it. */
export interface FirstRecording {
  id: string;
  createdAt: number;
  file: { name: string; type: string } | null;
  seconds: number | null;
  state: 'recording' | 'recorded' | 'sending' | 'done' | 'failed';
  result: { text: string; noSpeech: boolean } | null;
  partial: string;
  failure: Failure | null;
}

/** Takes each recording apart into what was recorded and its transcript, where it was ever sent. Sound stays as it is. */
export async function upgradeFirstVersion(
  transaction: IDBPTransaction<Schema, StoreNames<Schema>[], 'versionchange'>,
): Promise<void> {
  const recordings = transaction.objectStore('recordings');
  const answers = transaction.objectStore('answers');
  const old = (await recordings.getAll()) as unknown as FirstRecording[];
  for (const { id, createdAt, file, seconds, state, result, partial, failure } of old) {
    const recording: Recording = {
      id,
      createdAt,
      name: file?.name ?? null,
      sound: file ? { type: file.type } : 'pcm',
      seconds,
      state: state === 'recording' ? 'recording' : 'kept',
    };
    await recordings.put(recording);
    if (state === 'recording' || state === 'recorded') continue;
    await answers.put({ ...newAnswer(id, TRANSCRIBE), createdAt, state, ...result, partial, failure });
  }
}
