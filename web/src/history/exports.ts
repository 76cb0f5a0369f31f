import type { Answer, Segment } from './answer';
import type { Recording } from './recording';
import { srt, vtt } from './subtitles';

/** What an answer can be saved as. Subtitles need times, which a person's own version has lost. */
export type Format = 'txt' | 'srt' | 'vtt' | 'json';

const TYPES: Record<Format, string> = {
  txt: 'text/plain',
  srt: 'application/x-subrip',
  vtt: 'text/vtt',
  json: 'application/json',
};

/** An answer as a file in UTF-8. */
export function answerFile(format: Format, recording: Recording, answer: Answer): File {
  const { task } = answer.prompt;
  const name = fileName(recording, task === 'transcribe' ? format : `${task}.${format}`);
  return new File([content(format, recording, answer)], name, { type: `${TYPES[format]};charset=utf-8` });
}

/** The sound as a file: a WAV of what was recorded, or the chosen file under its own ending. */
export function soundFile(recording: Recording, audio: Blob): File {
  const { name, sound } = recording;
  // A person who renames a file need not keep its ending.
  const ending = sound === 'pcm' ? 'wav' : (endingOf(name ?? '') ?? endingOfType(sound.type));
  return new File([audio], fileName(recording, ending), { type: audio.type });
}

/**
 * A name that file systems take: the recording's own without what they refuse, or its time.
 * @param ending - without the dot
 */
export function fileName({ name, sound, createdAt }: Recording, ending: string): string {
  const given = name ?? '';
  const former = sound === 'pcm' ? null : endingOf(given);
  const stem = [...(former === null ? given : given.slice(0, -former.length - 1))]
    .map((character) => (/[\p{C}\p{Zl}\p{Zp}<>:"/\\|?*]/u.test(character) ? ' ' : character))
    .slice(0, 80)
    .join('')
    .replace(/\s+/g, ' ')
    // Hidden on some systems at the beginning, dropped by others at the end.
    .replace(/^[. ]+|[. ]+$/g, '');
  // Colons and dots would trouble file systems.
  const time = new Date(createdAt).toISOString().slice(0, 19).replaceAll(':', '-');
  return `${stem || `recording-${time}`}.${ending}`;
}

function content(format: Format, recording: Recording, answer: Answer): string {
  const segments: Segment[] = answer.segments ?? [];
  if (format === 'srt') return srt(segments);
  if (format === 'vtt') return vtt(segments);
  const text = answer.edited ?? (answer.text || answer.partial);
  if (format === 'txt') return `${text}\n`;
  const { name, createdAt, seconds } = recording;
  const { prompt, edited, noSpeech, notes, usage } = answer;
  const whole = {
    name,
    recordedAt: new Date(createdAt).toISOString(),
    seconds,
    prompt,
    text,
    /** Null where the text above is the model's own. */
    modelText: edited === null ? null : answer.text,
    segments: answer.segments,
    noSpeech,
    notes,
    usage,
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

function endingOf(name: string): string | null {
  return /\.([a-z0-9]{1,5})$/i.exec(name)?.[1] ?? null;
}

/** E.g. `webm` of `video/webm;codecs=opus`; untrusted. */
function endingOfType(type: string): string {
  return /^\w+\/(?:x-)?([a-z0-9]{1,5})(?:;|$)/.exec(type)?.[1] ?? 'audio';
}
