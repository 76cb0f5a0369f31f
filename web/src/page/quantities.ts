import type { Language } from '../messages';

/** Seconds as `m:ss`, or `h:mm:ss` from an hour on. Cut rather than rounded, as clocks do. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const pad = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** Bytes as mebibytes, e.g. `72 MB`; one decimal below 10. */
export function megabytes(bytes: number): string {
  const value = bytes / 2 ** 20;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} MB`;
}

/** Space on a disk: as gibibytes from one on, e.g. `9.8 GB`, else as {@link megabytes}. */
export function diskSpace(bytes: number): string {
  const value = bytes / 2 ** 30;
  if (value < 1) return megabytes(bytes);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} GB`;
}

/** A short date and time, e.g. `Nov 22, 2026, 4:17 PM`. */
export function moment(milliseconds: number, language: Language): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(milliseconds);
}

/** Names of languages given by their codes, e.g. `English and Japanese`. An unknown code stands for itself. */
export function languageNames(codes: string[], language: Language): string {
  const names = new Intl.DisplayNames([language], { type: 'language' });
  const name = (code: string): string => {
    try {
      return names.of(code) ?? code;
    } catch {
      return code; // not a language code at all
    }
  };
  return new Intl.ListFormat(language, { type: 'conjunction' }).format(codes.map(name));
}

/** What a meter shows as nothing and as full, dB below full scale: speech at a desk lies between them. */
const QUIETEST_DB = -54;
const LOUDEST_DB = -9;

/**
 * Loudness as a share of a meter, 0..1.
 * @param rms - root mean square, 0..1; anything else, also NaN, is silence
 */
export function meterShare(rms: number): number {
  const share = (20 * Math.log10(rms) - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB);
  return share > 0 ? Math.min(1, share) : 0;
}
