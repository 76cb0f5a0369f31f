import { expect, it } from 'vitest';
import { WAV_HEADER_BYTES, wavFile } from './wav';

it('writes a 16 kHz mono 16-bit WAV whose data are the chunks one after the other', async () => {
  const file = wavFile([Int16Array.from([1, -2]).buffer, Int16Array.from([32767]).buffer]);
  const bytes = await file.arrayBuffer();
  const view = new DataView(bytes);
  const ascii = (at: number) => String.fromCharCode(...new Uint8Array(bytes, at, 4));
  expect(file.type).toBe('audio/wav');
  expect(bytes.byteLength).toBe(WAV_HEADER_BYTES + 6);
  expect([ascii(0), ascii(8), ascii(12), ascii(36)]).toEqual(['RIFF', 'WAVE', 'fmt ', 'data']);
  expect(view.getUint32(4, true)).toBe(bytes.byteLength - 8);
  expect(view.getUint16(20, true)).toBe(1); // PCM
  expect(view.getUint16(22, true)).toBe(1); // mono
  expect(view.getUint32(24, true)).toBe(16_000);
  expect(view.getUint32(28, true)).toBe(32_000);
  expect(view.getUint16(32, true)).toBe(2);
  expect(view.getUint16(34, true)).toBe(16);
  expect(view.getUint32(40, true)).toBe(6);
  expect([44, 46, 48].map((at) => view.getInt16(at, true))).toEqual([1, -2, 32767]);
});

it('writes a valid empty file', async () => {
  expect(wavFile([]).size).toBe(WAV_HEADER_BYTES);
});
