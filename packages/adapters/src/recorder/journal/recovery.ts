import { createSecretKey } from 'node:crypto';
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SecretBytes } from '@enchilada/core/credential';
import type { KeyEncryption } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import {
  chunkName,
  dataKeyContext,
  decodeEvents,
  FLAG,
  HEAD_NAME,
  isRecordingId,
  manifestBody,
  MAX_CHUNK_BYTES,
  merkleRoot,
  parseChunk,
  parseHead,
  parseObjectName,
  recordingPrefix,
  recoveredHeadBody,
  recoveredHeadName,
  recoveredManifestName,
  signDocument,
  signedBytes,
} from '@enchilada/core/recording';
import type {
  ManifestChunk,
  RecordingHead,
  RecordingId,
  RecordingSigner,
  RecordingStore,
  RecordingSummary,
} from '@enchilada/core/recording';
import type { Clock, RandomSource } from '@enchilada/core/time';
import { ChunkSealer } from './chunk-sealer.ts';
import { JOURNAL_KEY_CONTEXT } from './journal.ts';
import { openRecords, parseSegmentHeader, parseSegmentName, readEntries, segmentName } from './journal-format.ts';
import { keyCommitment, sha256 } from './node-crypto.ts';

const MAX_HEAD_BYTES = 1024 * 1024;

export interface RecoveryOptions {
  readonly directory: string;
  readonly store: RecordingStore;
  readonly keys: KeyEncryption;
  readonly signer: RecordingSigner;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly node: string;
  /** Segments from this number on belong to the running process. */
  readonly before: number;
  report(what: string, cause: unknown): void;
}

/** A recording that was live when the process died, with the events of chunks that are not in the store. */
interface Interrupted {
  readonly id: RecordingId;
  readonly startedAt: number;
  readonly tail: Map<number, { readonly firstUs: number; readonly events: Buffer[] }>;
  /** The chunks that are stored; looked up at the first event. */
  stored: number | undefined;
}

/**
 * Finalises what earlier boots left. The node cannot open its own chunks where a key management service holds the keys, so the tail is
 * sealed under a fresh data key and signed by a recovery key that the recording key certifies.
 * A recording that fails to recover keeps its segments for the next start. @throws Fault KEY_UNAVAILABLE
 */
export async function recoverJournal(options: RecoveryOptions): Promise<readonly RecordingSummary[]> {
  const { directory, before } = options;
  const numbers = (await readdir(directory))
    .map((name) => parseSegmentName(name) ?? before)
    .filter((number) => number < before);
  numbers.sort((a, b) => a - b);
  const live = new Map<string, Interrupted>();
  for (const number of numbers) await readSegment(number, live, options);
  const summaries: RecordingSummary[] = [];
  let failed = 0;
  for (const recording of live.values()) {
    try {
      const summary = await finalise(recording, options);
      if (summary !== undefined) summaries.push(summary);
    } catch (cause) {
      failed++;
      options.report(`recording ${recording.id} could not be recovered`, cause);
    }
  }
  if (failed === 0) for (const number of numbers) await unlink(join(directory, segmentName(number)));
  return summaries;
}

async function readSegment(number: number, live: Map<string, Interrupted>, options: RecoveryOptions): Promise<void> {
  const bytes = await readFile(join(options.directory, segmentName(number)));
  const header = parseSegmentHeader(bytes);
  if (header?.segment !== number) return;
  using key = await options.keys.unwrap(header.key, JOURNAL_KEY_CONTEXT);
  // Slots count per boot, and each boot has its own key.
  const boot = Buffer.from(header.key.bytes).toString('hex');
  for (const record of openRecords(bytes, createSecretKey(key.reveal()), { number, headerBytes: header.length })) {
    for (const entry of readEntries(record)) {
      const slot = `${boot}/${entry.slot}`;
      if (entry.kind === 'opened') {
        const { id, startedAt } = entry;
        if (isRecordingId(id) && !live.has(slot)) live.set(slot, { id, startedAt, tail: new Map(), stored: undefined });
      } else if (entry.kind === 'closed') {
        live.delete(slot);
      } else {
        const recording = live.get(slot);
        if (recording === undefined) continue;
        recording.stored ??= await countStored(recording, options.store);
        if (entry.seq <= recording.stored) continue;
        const chunk = recording.tail.get(entry.seq) ?? { firstUs: entry.firstUs, events: [] };
        recording.tail.set(entry.seq, chunk);
        chunk.events.push(entry.event);
      }
    }
  }
}

async function countStored(recording: Pick<Interrupted, 'id' | 'startedAt'>, store: RecordingStore): Promise<number> {
  let last = 0;
  for await (const { name } of store.list(recordingPrefix(recording.id, recording.startedAt))) {
    const object = parseObjectName(name.slice(name.lastIndexOf('/') + 1));
    if (object?.kind === 'chunk') last = Math.max(last, object.seq);
  }
  return last;
}

/** Undefined where nothing is to be done: never shown to anybody, or ended just before the crash. */
async function finalise(recording: Interrupted, options: RecoveryOptions): Promise<RecordingSummary | undefined> {
  const { store, keys, signer, clock, random, node } = options;
  const { id } = recording;
  const prefix = recordingPrefix(id, recording.startedAt);
  const headBytes = await store.get(`${prefix}/${HEAD_NAME}`, MAX_HEAD_BYTES);
  if (headBytes === undefined) return undefined;
  const head = parseHead(headBytes)?.head;
  if (head === undefined) throw new Fault('RECORDING_DAMAGED', `head.json of ${id} is no head`);
  const found = await readStored(prefix, { head, headDigest: sha256(headBytes), store });
  if (found === undefined) return undefined;
  const { chunks, epochKeys } = found;
  const dataKey = new SecretBytes(random.bytes(32));
  const wrapped = await keys.wrap(dataKey, dataKeyContext(id));
  const firstSeq = chunks.length + 1;
  const epoch = found.nextEpoch;
  const sealer = new ChunkSealer({
    ...{ id, dataKey, epoch, seq: firstSeq, previous: found.previous },
    startedMs: Number.POSITIVE_INFINITY,
    flags: FLAG.recovered,
  });
  const recoveredHead = recoveredHeadBody({
    ...{
      recording: id,
      head: sha256(headBytes),
      node,
      firstSeq,
      epoch,
      recoveredAt: clock.now(),
      epochKey: sealer.publicKey,
    },
    dataKey: { keyId: wrapped.keyId, wrapped: wrapped.bytes, commitment: keyCommitment(dataKey.reveal()) },
  });
  await store.put(`${prefix}/${recoveredHeadName(epoch)}`, await signDocument(recoveredHead, signer));
  const tail = [...recording.tail].sort(([a], [b]) => a - b).filter(([seq]) => seq >= firstSeq);
  for (const [index, [, { firstUs, events }]] of tail.entries()) {
    const bytes = events.reduce((sum, event) => sum + event.length, 0);
    const lastUs = timeOfLast(Buffer.concat(events), firstUs);
    const final = index === tail.length - 1;
    const sealed = sealer.seal(
      { parts: events, bytes, firstUs, lastUs, final },
      { monotonicMs: 0, wallMs: clock.now() },
    );
    await store.put(`${prefix}/${chunkName(sealed.seq)}`, sealed.bytes);
    chunks.push({ hash: sealed.digest, fromUs: firstUs, toUs: lastUs, bytes: sealed.bytes.length });
  }
  dataKey[Symbol.dispose]();
  const durationUs = chunks.at(-1)?.toUs ?? 0;
  const hashes = chunks.map((chunk) => chunk.hash);
  const body = manifestBody({
    ...{
      recording: id,
      head: sha256(headBytes),
      description: head.description,
      state: 'INCOMPLETE',
      reason: 'crash',
      durationUs,
    },
    ...{ events: undefined, outputBytes: undefined, chunks, merkleRoot: merkleRoot(hashes, sha256), epochKeys },
  });
  const manifest = await signDocument(body, signer, sealer.signLast(signedBytes(body)));
  await store.put(`${prefix}/${recoveredManifestName(epoch)}`, manifest);
  return {
    ...{
      id,
      sessionId: head.description.sessionId,
      startedAt: head.description.startedAt,
      state: 'INCOMPLETE',
      stored: true,
    },
    durationMs: Math.round(durationUs / 1000),
    chunks: chunks.length,
    events: undefined,
    outputBytes: undefined,
    storedBytes: chunks.reduce((sum, chunk) => sum + chunk.bytes, manifest.length),
    manifestHash: sha256(manifest).toString('hex'),
  };
}

interface Stored {
  readonly chunks: ManifestChunk[];
  readonly epochKeys: { epoch: number; key: Uint8Array }[];
  readonly previous: Uint8Array;
  /** Above all epochs that were used or announced, also by a recovery that a crash cut short. */
  readonly nextEpoch: number;
}

/** The chunks that the dead process, or an earlier recovery, stored. Undefined where a manifest is there. */
async function readStored(
  prefix: string,
  context: { head: RecordingHead; headDigest: Uint8Array; store: RecordingStore },
): Promise<Stored | undefined> {
  const { head, headDigest, store } = context;
  const chunks: ManifestChunk[] = [];
  const epochKeys = [{ epoch: 0, key: head.epochKey }];
  let [previous, epoch] = [headDigest, 0];
  for await (const { name } of store.list(prefix)) {
    const object = parseObjectName(name.slice(name.lastIndexOf('/') + 1));
    if (object?.kind === 'manifest' || object?.kind === 'recovered-manifest') return undefined;
    if (object?.kind === 'recovered-head') epoch = Math.max(epoch, object.epoch);
    if (object?.kind !== 'chunk') continue;
    const bytes = await store.get(name, MAX_CHUNK_BYTES);
    const chunk = bytes && parseChunk(bytes);
    if (
      bytes === undefined ||
      chunk === undefined ||
      typeof chunk === 'string' ||
      chunk.header.seq !== chunks.length + 1
    ) {
      throw new Fault('RECORDING_DAMAGED', `${name} is not chunk ${chunks.length + 1}`);
    }
    const { header } = chunk;
    previous = sha256(bytes.subarray(0, -64));
    chunks.push({ hash: previous, fromUs: header.firstUs, toUs: header.lastUs, bytes: bytes.length });
    epoch = Math.max(epoch, header.epoch);
    if (header.nextPublicKey !== undefined) epochKeys.push({ epoch: header.epoch + 1, key: header.nextPublicKey });
  }
  return { chunks, epochKeys, previous, nextEpoch: Math.max(epoch, epochKeys.at(-1)?.epoch ?? 0) + 1 };
}

function timeOfLast(plain: Uint8Array, firstUs: number): number {
  let lastUs = firstUs;
  for (const { atUs } of decodeEvents(plain, firstUs)) lastUs = atUs;
  return lastUs;
}
