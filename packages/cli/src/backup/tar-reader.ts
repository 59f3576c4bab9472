import type { FileHandle } from 'node:fs/promises';
import { CommandFailure } from '../frame/exit-code.ts';
import { BLOCK_BYTES, padding } from './tar-writer.ts';

export interface TarEntry {
  readonly path: string;
  readonly bytes: number;
  /** The file's bytes; to be read to the end, or not at all. */
  content(): AsyncGenerator<Buffer>;
}

const PIECE_BYTES = 1024 * 1024;
const LARGEST_EXTENDED = 64 * 1024;

function damaged(what: string): CommandFailure {
  return new CommandFailure(1, `the archive is damaged: ${what}`);
}

function textAt(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.subarray(0, end === -1 ? length : end).toString('latin1');
}

function numberAt(block: Buffer, at: number, length: number): number {
  const text = textAt(block, at, length).trim();
  if (!/^[0-7]+$/u.test(text)) throw damaged('a header holds a number that is none');
  return parseInt(text, 8);
}

function paxValues(text: Buffer): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (let at = 0; at < text.length;) {
    const space = text.indexOf(0x20, at);
    const length = Number(text.subarray(at, space).toString('latin1'));
    if (space === -1 || !Number.isSafeInteger(length) || length < 5 || at + length > text.length)
      throw damaged('an extended header cannot be read');
    const [key = '', ...value] = text
      .subarray(space + 1, at + length - 1)
      .toString('utf8')
      .split('=');
    values.set(key, value.join('='));
    at += length;
  }
  return values;
}

/** The regular files of an archive, in order. Links, devices and whatever else a backup never holds are refused. @throws CommandFailure */
export async function* readTar(file: FileHandle): AsyncGenerator<TarEntry> {
  let at = 0;
  let extended: ReadonlyMap<string, string> = new Map();
  const read = async (bytes: number): Promise<Buffer> => {
    const into = Buffer.alloc(bytes);
    const { bytesRead } = await file.read(into, 0, bytes, at);
    if (bytesRead < bytes) throw damaged('it ends too early');
    at += bytes;
    return into;
  };
  for (;;) {
    const block = await read(BLOCK_BYTES);
    if (block.every((byte) => byte === 0)) return;
    const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
    if (sum !== numberAt(block, 148, 8)) throw damaged('the sum of a header is wrong');
    const prefix = textAt(block, 345, 155);
    const type = textAt(block, 156, 1);
    const plainPath = `${prefix === '' ? '' : `${prefix}/`}${textAt(block, 0, 100)}`;
    const bytes = Number(extended.get('size') ?? numberAt(block, 124, 12));
    const path = extended.get('path') ?? plainPath;
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw damaged('a size is no number');
    if (type === 'x' || type === 'g') {
      if (bytes > LARGEST_EXTENDED) throw damaged('an extended header is too large');
      extended = type === 'x' ? paxValues(await read(bytes)) : (await read(bytes), extended);
      at += padding(bytes).length;
      continue;
    }
    extended = new Map();
    if (type === '5') continue;
    if (type !== '0' && type !== '') throw damaged(`${JSON.stringify(path)} is no regular file`);
    const start = at;
    const end = start + bytes;
    yield {
      path,
      bytes,
      async *content() {
        at = start;
        while (at < end) yield await read(Math.min(PIECE_BYTES, end - at));
      },
    };
    at = end + padding(bytes).length;
  }
}
