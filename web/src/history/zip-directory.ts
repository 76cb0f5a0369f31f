/** A file inside of a zip. */
export interface ZipEntry {
  name: string;
  /** Bytes, unpacked. */
  size: number;
  /** Reads it; rejects where it is damaged. */
  blob(): Promise<Blob>;
}

const END = 0x06054b50;
const END_BYTES = 22;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
/** A comment, which has two bytes for its length, may follow the end. */
const LONGEST_COMMENT = 0xffff;
const ENCRYPTED = 1;

/**
 * The files of a zip by its directory, which stands at its end, so that only what is asked for is read: a history
 * can be larger than the memory. Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 * @throws {Error} where it is no whole zip, is encrypted, or is larger than 4 GB (zip64)
 */
export async function zipDirectory(zip: Blob): Promise<Map<string, ZipEntry>> {
  const tailFrom = Math.max(0, zip.size - END_BYTES - LONGEST_COMMENT);
  const tail = await viewOf(zip.slice(tailFrom));
  let at = tail.byteLength - END_BYTES;
  while (at >= 0 && tail.getUint32(at, true) !== END) at--;
  if (at < 0) throw new Error('no end of a zip');
  const count = tail.getUint16(at + 10, true);
  const bytes = tail.getUint32(at + 12, true);
  const from = tail.getUint32(at + 16, true);
  const directory = await viewOf(zip.slice(from, from + bytes));
  const entries = new Map<string, ZipEntry>();
  let offset = 0;
  for (let index = 0; index < count; index++) {
    // Reading past the end throws a RangeError, which is as good as any.
    if (directory.getUint32(offset, true) !== ENTRY) throw new Error('no directory of a zip');
    const flags = directory.getUint16(offset + 8, true);
    const method = directory.getUint16(offset + 10, true);
    const packed = directory.getUint32(offset + 20, true);
    const size = directory.getUint32(offset + 24, true);
    const nameBytes = directory.getUint16(offset + 28, true);
    const others = directory.getUint16(offset + 30, true) + directory.getUint16(offset + 32, true);
    const local = directory.getUint32(offset + 42, true);
    const start = directory.byteOffset + offset + ENTRY_BYTES;
    const name = new TextDecoder().decode(new Uint8Array(directory.buffer, start, nameBytes));
    if (flags & ENCRYPTED) throw new Error(`${name} is encrypted`);
    entries.set(name, { name, size, blob: () => unpacked(zip, { local, packed, size, method }) });
    offset += ENTRY_BYTES + nameBytes + others;
  }
  return entries;
}

interface Place {
  /** Where its header stands. */
  local: number;
  packed: number;
  size: number;
  method: number;
}

async function unpacked(zip: Blob, { local, packed, size, method }: Place): Promise<Blob> {
  const header = await viewOf(zip.slice(local, local + LOCAL_BYTES));
  if (header.getUint32(0, true) !== LOCAL) throw new Error('no file of a zip');
  const from = local + LOCAL_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
  let blob = zip.slice(from, from + packed);
  if (method === 8) {
    const inflated = blob.stream().pipeThrough(new DecompressionStream('deflate-raw'));
    blob = await new Response(inflated).blob();
  } else if (method !== 0) throw new Error(`unknown compression ${method}`);
  if (blob.size !== size) throw new Error('a file of a zip is cut off');
  return blob;
}

async function viewOf(blob: Blob): Promise<DataView> {
  return new DataView(await blob.arrayBuffer());
}
