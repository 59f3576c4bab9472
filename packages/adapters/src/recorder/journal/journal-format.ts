import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { WrappedKey } from '@enchilada/core/credential';
import { encryptPieces } from './encrypt-pieces.ts';

/**
 * A segment of the journal (`journal-00000001`), numbers big-endian:
 *
 * | field   | bytes | note                                                                       |
 * |---------|-------|----------------------------------------------------------------------------|
 * | magic   | 8     | `\x89EJ1\r\n\x1a\n`                                                        |
 * | segment | 4     | its number                                                                 |
 * | lengths | 2 + 2 | of the two fields that follow                                              |
 * | key id  | n     | of the key-encryption key                                                  |
 * | key     | n     | the boot's journal key, wrapped in the context `journal`                   |
 * | records |       | each: length 4, AES-256-GCM of entries, tag 16                             |
 *
 * Record nonce = segment ‖ index of the record (4 + 8 bytes), AAD = its length. A record that does not open ends the segment: it is the
 * write that a crash tore. Entries of a record, the first byte tells the kind:
 *
 * | kind   | fields                                                                                          |
 * |--------|-------------------------------------------------------------------------------------------------|
 * | events | slot 4, seq 4, first 8 (t_first of the chunk, µs), length 4, one event as it will be in chunk seq |
 * | opened | slot 4, startedAt 8, id 26                                                                      |
 * | closed | slot 4                                                                                          |
 *
 * The first record of a segment repeats `opened` for everything live, so that older segments can go.
 */
const MAGIC = Buffer.from([0x89, 0x45, 0x4a, 0x31, 0x0d, 0x0a, 0x1a, 0x0a]);
const FIXED_BYTES = 8 /* magic */ + 4 /* segment */ + 4; /* lengths */
const RECORD_OVERHEAD_BYTES = 4 /* length */ + 16; /* tag */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

export const ENTRY = { events: 1, opened: 2, closed: 3 } as const;
export const EVENTS_ENTRY_BYTES = 1 /* kind */ + 4 /* slot */ + 4 /* seq */ + 8 /* first */ + 4; /* length */
export const OPENED_ENTRY_BYTES = 1 /* kind */ + 4 /* slot */ + 8 /* startedAt */ + 26; /* id */
const CLOSED_ENTRY_BYTES = 1 /* kind */ + 4; /* slot */

/** Slots number the recordings of one boot; they are not reused. */
export type JournalEntry =
  | {
      readonly kind: 'events';
      readonly slot: number;
      readonly seq: number;
      readonly firstUs: number;
      readonly event: Buffer;
    }
  | { readonly kind: 'opened'; readonly slot: number; readonly startedAt: number; readonly id: string }
  | { readonly kind: 'closed'; readonly slot: number };

export function segmentName(segment: number): string {
  return `journal-${String(segment).padStart(8, '0')}`;
}

export function parseSegmentName(name: string): number | undefined {
  const digits = /^journal-(\d{8})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function segmentHeader(segment: number, key: WrappedKey): Buffer {
  const keyId = Buffer.from(key.keyId);
  const fixed = Buffer.alloc(FIXED_BYTES);
  MAGIC.copy(fixed);
  fixed.writeUInt32BE(segment, 8);
  fixed.writeUInt16BE(keyId.length, 12);
  fixed.writeUInt16BE(key.bytes.length, 14);
  return Buffer.concat([fixed, keyId, key.bytes]);
}

/** Undefined where a crash tore even the header: then nothing in the segment was accepted. */
export function parseSegmentHeader(
  bytes: Buffer,
): { readonly segment: number; readonly key: WrappedKey; readonly length: number } | undefined {
  if (bytes.length < FIXED_BYTES || MAGIC.compare(bytes, 0, 8) !== 0) return undefined;
  const keyIdEnd = FIXED_BYTES + bytes.readUInt16BE(12);
  const length = keyIdEnd + bytes.readUInt16BE(14);
  if (bytes.length < length) return undefined;
  const key = { keyId: bytes.toString('utf8', FIXED_BYTES, keyIdEnd), bytes: bytes.subarray(keyIdEnd, length) };
  return { segment: bytes.readUInt32BE(8), key, length };
}

export interface RecordPosition {
  readonly segment: number;
  readonly index: number;
}

/** All pieces are held until they are written: those of a flood would leave holes between blocks that stay. */
const PICTURE_BYTES = 64 * 1024;

/** The pieces of one record, for one writev(2). Encrypts each byte once and copies none. */
export function sealRecord(key: KeyObject, position: RecordPosition, plain: readonly Buffer[]): Buffer[] {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(plain.reduce((sum, part) => sum + part.length, 0));
  const cipher = createCipheriv('aes-256-gcm', key, recordNonce(position)).setAAD(length);
  const sealed = plain.flatMap((part) =>
    part.length <= PICTURE_BYTES ? [...encryptPieces(cipher, part)] : [cipher.update(part)],
  );
  cipher.final();
  return [length, ...sealed, cipher.getAuthTag()];
}

/** The records of a segment in order, up to its end or the first that does not open. */
export function* openRecords(
  bytes: Buffer,
  key: KeyObject,
  segment: { readonly number: number; readonly headerBytes: number },
): Generator<Buffer> {
  let at = segment.headerBytes;
  for (let index = 0; at + RECORD_OVERHEAD_BYTES <= bytes.length; index++) {
    const length = bytes.readUInt32BE(at);
    const end = at + RECORD_OVERHEAD_BYTES + length;
    if (length > MAX_RECORD_BYTES || end > bytes.length) return;
    const decipher = createDecipheriv('aes-256-gcm', key, recordNonce({ segment: segment.number, index }));
    decipher.setAAD(bytes.subarray(at, at + 4)).setAuthTag(bytes.subarray(end - 16, end));
    const plain = decipher.update(bytes.subarray(at + 4, end - 16));
    try {
      decipher.final();
    } catch {
      // Torn by a crash, or not ours: the segment ends here.
      return;
    }
    yield plain;
    at = end;
  }
}

export function* readEntries(record: Buffer): Generator<JournalEntry> {
  let at = 0;
  while (at < record.length) {
    const kind = record.readUInt8(at);
    const slot = record.readUInt32BE(at + 1);
    if (kind === ENTRY.events) {
      const begin = at + EVENTS_ENTRY_BYTES;
      const end = begin + record.readUInt32BE(begin - 4);
      const firstUs = Number(record.readBigUInt64BE(at + 9));
      yield { kind: 'events', slot, seq: record.readUInt32BE(at + 5), firstUs, event: record.subarray(begin, end) };
      at = end;
    } else if (kind === ENTRY.opened) {
      const startedAt = Number(record.readBigUInt64BE(at + 5));
      yield { kind: 'opened', slot, startedAt, id: record.toString('latin1', at + 13, at + OPENED_ENTRY_BYTES) };
      at += OPENED_ENTRY_BYTES;
    } else {
      yield { kind: 'closed', slot };
      at += CLOSED_ENTRY_BYTES;
    }
  }
}

export function writeOpenedEntry(
  target: Buffer,
  at: number,
  entry: { slot: number; startedAt: number; id: string },
): number {
  target.writeUInt8(ENTRY.opened, at);
  target.writeUInt32BE(entry.slot, at + 1);
  target.writeBigUInt64BE(BigInt(entry.startedAt), at + 5);
  target.write(entry.id, at + 13, 'latin1');
  return at + OPENED_ENTRY_BYTES;
}

function recordNonce({ segment, index }: RecordPosition): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(segment, 0);
  nonce.writeBigUInt64BE(BigInt(index), 4);
  return nonce;
}
