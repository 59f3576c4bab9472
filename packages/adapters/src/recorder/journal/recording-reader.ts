import { createDecipheriv } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import type { KeyEncryption, SecretBytes } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import {
  chunkName,
  chunkNonce,
  dataKeyContext,
  decodeEvents,
  decodeStrokes,
  FLAG,
  HEAD_NAME,
  inputKeyContext,
  MAX_CHUNK_BYTES,
  parseChunk,
  parseHead,
  parseManifest,
  parseObjectName,
  parseRecoveredHead,
  sameBytes,
  sealedStrokesContext,
  sealedStrokesNonce,
  verifyRecording,
} from '@enchilada/core/recording';
import type {
  Chunk,
  ReadOptions,
  RecordingHead,
  RecordingId,
  RecordingListing,
  RecordingReader,
  RecordingStore,
  RecoveredHead,
  SealedDataKey,
  StoredObject,
  TimedKeyStroke,
  TimedRecordingEvent,
  TrustStore,
  VerifyReport,
} from '@enchilada/core/recording';
import { keyCommitment, verifyCrypto } from './node-crypto.ts';

const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

export interface RecordingReaderOptions {
  readonly store: RecordingStore;
  readonly keys: KeyEncryption;
  readonly trust: TrustStore;
}

interface Folder {
  readonly prefix: string;
  /** Names without the prefix. */
  readonly objects: readonly StoredObject[];
  readonly head: RecordingHead;
}

export function openRecordingReader(options: RecordingReaderOptions): RecordingReader {
  return new StoredRecordingReader(options);
}

class StoredRecordingReader implements RecordingReader {
  readonly #options: RecordingReaderOptions;

  constructor(options: RecordingReaderOptions) {
    this.#options = options;
  }

  async describe(id: RecordingId): Promise<RecordingListing> {
    const folder = await this.#folder(id);
    const chunks = folder.objects.filter(({ name }) => parseObjectName(name)?.kind === 'chunk');
    const storedBytes = folder.objects.reduce((sum, object) => sum + object.size, 0);
    const common = { id, description: folder.head.description, chunks: chunks.length, storedBytes };
    const manifestName = folder.objects.findLast(({ name }) => {
      const kind = parseObjectName(name)?.kind;
      return kind === 'manifest' || kind === 'recovered-manifest';
    })?.name;
    if (manifestName !== undefined) {
      const parsed = parseManifest(await this.#get(`${folder.prefix}/${manifestName}`, MAX_DOCUMENT_BYTES));
      if (parsed === undefined) throw new Fault('RECORDING_DAMAGED', `${manifestName} of ${id} is no manifest`);
      const { state, durationUs } = parsed.manifest;
      return {
        ...common,
        state,
        durationMs: Math.round(durationUs / 1000),
        chunkTimesUs: parsed.manifest.chunks.map((chunk) => chunk.fromUs),
      };
    }
    const chunkTimesUs: number[] = [];
    let lastUs = 0;
    for (const { name } of chunks) {
      const { header } = await this.#chunk(folder, name);
      chunkTimesUs.push(header.firstUs);
      lastUs = header.lastUs;
    }
    return { ...common, state: 'LIVE', durationMs: Math.round(lastUs / 1000), chunkTimesUs };
  }

  async *events(id: RecordingId, options: ReadOptions = {}): AsyncGenerator<TimedRecordingEvent> {
    const { fromChunk = 1, signal } = options;
    const folder = await this.#folder(id);
    const recovered = await this.#recoveredHeads(folder);
    const keys = new Map<RecordingHead | RecoveredHead, SecretBytes>();
    try {
      const last = folder.objects.filter(({ name }) => parseObjectName(name)?.kind === 'chunk').length;
      for (let seq = fromChunk; seq <= last; seq++) {
        signal?.throwIfAborted();
        const chunk = await this.#chunk(folder, chunkName(seq));
        const head =
          (chunk.header.flags & FLAG.recovered) === 0
            ? folder.head
            : recovered.find(({ epoch }) => epoch === chunk.header.epoch);
        if (head === undefined) throw new Fault('RECORDING_DAMAGED', `chunk ${seq} of ${id} names no recovery`);
        const key = keys.get(head) ?? (await this.#unwrap(id, head.dataKey, dataKeyContext(id)));
        keys.set(head, key);
        for (const { atUs, event } of decodeEvents(openChunk(chunk, key), chunk.header.firstUs))
          yield { atUs, chunk: seq, event };
      }
    } finally {
      for (const key of keys.values()) key[Symbol.dispose]();
    }
  }

  async *keyStrokes(id: RecordingId): AsyncGenerator<TimedKeyStroke> {
    const { head } = await this.#folder(id);
    if (head.inputKey === undefined) return;
    using key = await this.#unwrap(id, head.inputKey, inputKeyContext(id));
    for await (const { atUs, event } of this.events(id)) {
      if (event.kind !== 'sealed-keys') continue;
      const { channel, sequence, bytes } = event;
      for (const { agoMs, ...stroke } of decodeStrokes(openStrokes({ id, sequence, bytes }, key)))
        yield { ...stroke, channel, atMs: Math.max(0, Math.round(atUs / 1000) - agoMs) };
    }
  }

  async verify(id: RecordingId): Promise<VerifyReport> {
    const { store, trust } = this.#options;
    const { prefix, objects } = await this.#list(id);
    const read = async (name: string): Promise<Uint8Array> =>
      (await store.get(`${prefix}/${name}`, MAX_DOCUMENT_BYTES)) ?? new Uint8Array();
    return verifyRecording({ id, objects, read }, { crypto: verifyCrypto, trust });
  }

  async *objects(id: RecordingId): AsyncGenerator<{ readonly name: string; readonly bytes: Uint8Array }> {
    const { prefix, objects } = await this.#list(id);
    for (const { name } of objects) {
      const bytes = await this.#options.store.get(`${prefix}/${name}`, MAX_DOCUMENT_BYTES);
      if (bytes !== undefined) yield { name: `${prefix}/${name}`, bytes };
    }
  }

  async #list(id: RecordingId): Promise<{ readonly prefix: string; readonly objects: readonly StoredObject[] }> {
    const prefix = await this.#options.store.locate(id);
    if (prefix === undefined) throw new Fault('RECORDING_NOT_FOUND', 'there is no such recording');
    const objects: StoredObject[] = [];
    for await (const { name, size } of this.#options.store.list(prefix))
      objects.push({ name: name.slice(prefix.length + 1), size });
    return { prefix, objects };
  }

  async #folder(id: RecordingId): Promise<Folder> {
    const { prefix, objects } = await this.#list(id);
    const parsed = parseHead(await this.#get(`${prefix}/${HEAD_NAME}`, MAX_DOCUMENT_BYTES));
    if (parsed?.head.recording !== id) throw new Fault('RECORDING_DAMAGED', `head.json of ${id} is no head of it`);
    return { prefix, objects, head: parsed.head };
  }

  async #recoveredHeads(folder: Folder): Promise<readonly RecoveredHead[]> {
    const heads: RecoveredHead[] = [];
    for (const { name } of folder.objects) {
      if (parseObjectName(name)?.kind !== 'recovered-head') continue;
      const parsed = parseRecoveredHead(await this.#get(`${folder.prefix}/${name}`, MAX_DOCUMENT_BYTES));
      if (parsed !== undefined) heads.push(parsed.head);
    }
    return heads;
  }

  async #chunk(folder: Folder, name: string): Promise<Chunk> {
    const chunk = parseChunk(await this.#get(`${folder.prefix}/${name}`, MAX_CHUNK_BYTES));
    if (typeof chunk === 'string')
      throw new Fault('RECORDING_DAMAGED', `${name} of ${folder.head.recording} is no chunk: ${chunk}`);
    return chunk;
  }

  async #get(name: string, maxBytes: number): Promise<Uint8Array> {
    const bytes = await this.#options.store.get(name, maxBytes);
    if (bytes === undefined) throw new Fault('RECORDING_DAMAGED', `${name} is missing`);
    return bytes;
  }

  async #unwrap(id: RecordingId, sealed: SealedDataKey, context: string): Promise<SecretBytes> {
    const key = await this.#options.keys.unwrap({ keyId: sealed.keyId, bytes: sealed.wrapped }, context);
    if (sameBytes(keyCommitment(key.reveal()), sealed.commitment)) return key;
    key[Symbol.dispose]();
    throw new Fault('RECORDING_DAMAGED', `a key of ${id} is not the one it was sealed with`);
  }
}

interface SealedStrokes {
  readonly id: RecordingId;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

const TAG_BYTES = 16;

function openStrokes({ id, sequence, bytes }: SealedStrokes, key: SecretBytes): Uint8Array {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.reveal(), sealedStrokesNonce(sequence))
      .setAAD(sealedStrokesContext(id, sequence))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    const plain = decipher.update(bytes.subarray(0, -TAG_BYTES));
    decipher.final();
    return plain;
  } catch (cause) {
    throw new Fault('RECORDING_DAMAGED', `key strokes ${sequence} of ${id} do not open`, { cause });
  }
}

function openChunk(chunk: Chunk, key: SecretBytes): Uint8Array {
  const { header, headerBytes, cipher, tag } = chunk;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.reveal(), chunkNonce(header.epoch, header.seq))
      .setAAD(headerBytes)
      .setAuthTag(tag);
    const content = decipher.update(cipher);
    decipher.final();
    if ((header.flags & FLAG.compressed) === 0) return content;
    return zstdDecompressSync(content, { maxOutputLength: header.plainBytes });
  } catch (cause) {
    throw new Fault('RECORDING_DAMAGED', `chunk ${header.seq} does not open`, { cause });
  }
}
