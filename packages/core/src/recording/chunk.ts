/**
 * A chunk (`.brc`), numbers big-endian:
 *
 * | field        | offset | bytes | note                                                                     |
 * |--------------|--------|-------|--------------------------------------------------------------------------|
 * | magic        | 0      | 8     | `\x89BRC\r\n\x1a\n`: text-mode damage shows                              |
 * | version      | 8      | 2     | 1                                                                        |
 * | flags        | 10     | 2     | `FLAG`                                                                   |
 * | sid          | 12     | 16    | the recording's id                                                       |
 * | seq          | 28     | 8     | from 1, without gaps                                                     |
 * | epoch        | 36     | 4     | from 0; advances only with a chunk, after 60 s                           |
 * | t_first      | 40     | 8     | µs since the start of the recording, monotonic clock                     |
 * | t_last       | 48     | 8     |                                                                          |
 * | wall         | 56     | 8     | node's UTC in ms at sealing                                              |
 * | plain_len    | 64     | 4     | at most 4 MiB, checked before allocating                                 |
 * | cipher_len   | 68     | 4     | at most 1 MiB, checked before allocating                                 |
 * | prev         | 72     | 32    | digest of the previous chunk; of head.json for seq 1                     |
 * | next_pub     | 104    | 0, 32 | with FLAG.epochEnd: Ed25519 key of epoch + 1                             |
 * | cipher       |        | n     | AES-256-GCM of the events (zstd with FLAG.compressed); AAD = the header  |
 * | tag          |        | 16    |                                                                          |
 * | sig          |        | 64    | Ed25519 of the epoch's key over "brc1" ‖ digest                          |
 *
 * digest = SHA-256(header ‖ cipher ‖ tag), the one pass over the bytes: it is what is signed, chained and listed in the manifest.
 * nonce = epoch ‖ seq (4 + 8 bytes). INVARIANT: one data key never sees a nonce twice.
 */
export const FLAG = { encrypted: 1, compressed: 2, final: 4, recovered: 8, epochEnd: 16 } as const;
const ALL_FLAGS = 31;

const CHUNK_VERSION = 1;
const MAX_PLAIN_BYTES = 4 * 1024 * 1024;
export const MAX_CIPHER_BYTES = 1024 * 1024;
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const SIGNATURE_BYTES = 64;
const MAGIC = Uint8Array.of(0x89, 0x42, 0x52, 0x43, 0x0d, 0x0a, 0x1a, 0x0a);
const HEADER_BYTES =
  8 /* magic */ + 4 /* version, flags */ + 28 /* sid, seq, epoch */ + 24 /* times */ + 8 /* lengths */ + 32; /* prev */
export const MAX_CHUNK_BYTES = HEADER_BYTES + KEY_BYTES + MAX_CIPHER_BYTES + TAG_BYTES + SIGNATURE_BYTES;

export interface ChunkHeader {
  readonly flags: number;
  readonly sid: Uint8Array;
  readonly seq: number;
  readonly epoch: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly wallMs: number;
  readonly plainBytes: number;
  readonly cipherBytes: number;
  readonly prev: Uint8Array;
  readonly nextPublicKey: Uint8Array | undefined;
}

export interface Chunk {
  readonly header: ChunkHeader;
  readonly headerBytes: Uint8Array;
  readonly cipher: Uint8Array;
  readonly tag: Uint8Array;
  readonly signature: Uint8Array;
}

export type ChunkProblem = 'too-short' | 'magic' | 'version' | 'flags' | 'limits' | 'length';

export function writeChunkHeader(header: ChunkHeader): Uint8Array<ArrayBuffer> {
  const next = header.nextPublicKey;
  const out = new Uint8Array(HEADER_BYTES + (next?.length ?? 0));
  const view = new DataView(out.buffer);
  out.set(MAGIC, 0);
  view.setUint16(8, CHUNK_VERSION);
  view.setUint16(10, header.flags);
  out.set(header.sid, 12);
  view.setBigUint64(28, BigInt(header.seq));
  view.setUint32(36, header.epoch);
  view.setBigUint64(40, BigInt(header.firstUs));
  view.setBigUint64(48, BigInt(header.lastUs));
  view.setBigUint64(56, BigInt(header.wallMs));
  view.setUint32(64, header.plainBytes);
  view.setUint32(68, header.cipherBytes);
  out.set(header.prev, 72);
  if (next !== undefined) out.set(next, HEADER_BYTES);
  return out;
}

/** Views into `bytes`, nothing is copied. Says what is wrong first where it is no chunk. */
export function parseChunk(bytes: Uint8Array): Chunk | ChunkProblem {
  if (bytes.length < HEADER_BYTES + TAG_BYTES + SIGNATURE_BYTES) return 'too-short';
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) return 'magic';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(8) !== CHUNK_VERSION) return 'version';
  const flags = view.getUint16(10);
  if ((flags & ~ALL_FLAGS) !== 0) return 'flags';
  const numbers = [28, 40, 48, 56].map((offset) => Number(view.getBigUint64(offset)));
  const [seq, firstUs, lastUs, wallMs] = numbers as [number, number, number, number];
  const plainBytes = view.getUint32(64);
  const cipherBytes = view.getUint32(68);
  if (plainBytes > MAX_PLAIN_BYTES || cipherBytes > MAX_CIPHER_BYTES || !numbers.every(Number.isSafeInteger))
    return 'limits';
  const headerEnd = HEADER_BYTES + ((flags & FLAG.epochEnd) === 0 ? 0 : KEY_BYTES);
  const cipherEnd = headerEnd + cipherBytes;
  if (bytes.length !== cipherEnd + TAG_BYTES + SIGNATURE_BYTES) return 'length';
  return {
    header: {
      flags,
      sid: bytes.subarray(12, 28),
      seq,
      epoch: view.getUint32(36),
      firstUs,
      lastUs,
      wallMs,
      plainBytes,
      cipherBytes,
      prev: bytes.subarray(72, HEADER_BYTES),
      nextPublicKey: headerEnd === HEADER_BYTES ? undefined : bytes.subarray(HEADER_BYTES, headerEnd),
    },
    headerBytes: bytes.subarray(0, headerEnd),
    cipher: bytes.subarray(headerEnd, cipherEnd),
    tag: bytes.subarray(cipherEnd, cipherEnd + TAG_BYTES),
    signature: bytes.subarray(cipherEnd + TAG_BYTES),
  };
}

export function chunkNonce(epoch: number, seq: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(0, epoch);
  view.setBigUint64(4, BigInt(seq));
  return nonce;
}

/** What the epoch's key signs. */
export function signedChunkDigest(digest: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(4 + digest.length);
  out.set([0x62, 0x72, 0x63, 0x31]);
  out.set(digest, 4);
  return out;
}
