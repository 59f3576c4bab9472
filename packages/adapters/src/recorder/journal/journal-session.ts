import { createCipheriv } from 'node:crypto';
import type { SecretBytes } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import {
  chunkName,
  encodeEvent,
  encodeStrokes,
  EVENT_OVERHEAD_BYTES,
  MANIFEST_NAME,
  manifestBody,
  MAX_CIPHER_BYTES,
  MAX_EVENT_BYTES,
  merkleRoot,
  sealedStrokesContext,
  sealedStrokesNonce,
  signDocument,
  signedBytes,
} from '@enchilada/core/recording';
import type {
  CheckpointEntry,
  EncodedEvent,
  PastKeyStroke,
  RecordingDescription,
  RecordingEnd,
  RecordingEvent,
  RecordingId,
  RecordingSigner,
  RecordingState,
  RecordingSummary,
  SessionRecorder,
} from '@enchilada/core/recording';
import type { Clock } from '@enchilada/core/time';
import { giveBack } from '../../shared/give-back.ts';
import { ChunkList } from './chunk-list.ts';
import type { ChunkSealer } from './chunk-sealer.ts';
import type { Journal } from './journal.ts';
import { sha256 } from './node-crypto.ts';
import type { QueuePart, StoreQueue } from './store-queue.ts';

/** A chunk that does not compress is stored as it is, so the plain side has the sealed side's limit. */
const CHUNK_BYTES = MAX_CIPHER_BYTES;
/** A store that hangs must not keep the end of a session from being shown and audited. */
const FINISH_WAIT_MS = 10_000;

export interface JournalSessionParts {
  readonly id: RecordingId;
  readonly description: RecordingDescription;
  readonly prefix: string;
  readonly headDigest: Uint8Array;
  readonly slot: number;
  readonly sealer: ChunkSealer;
  readonly journal: Journal;
  readonly queue: StoreQueue;
  readonly signer: RecordingSigner;
  readonly clock: Clock;
  /** Where key strokes are recorded. */
  readonly inputKey: SecretBytes | undefined;
  /** The session has begun a chunk: it is to be sealed in 5 s. */
  onPending(session: JournalSession): void;
  /** The manifest is stored. */
  onStored(session: JournalSession): void;
}

/** One recording while it runs. Holds nothing but its keys while nothing happens. */
export class JournalSession implements SessionRecorder {
  readonly id: RecordingId;
  readonly headHash: string;
  readonly failed: Promise<Fault>;
  readonly #parts: JournalSessionParts;
  readonly #startMs: number;
  readonly #chunks = new ChunkList();
  readonly #resolveFailed: (fault: Fault) => void;
  readonly #queued: QueuePart;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #pendingFirstUs = 0;
  #pendingSegment = 0;
  #lastUs = 0;
  #storedBytes = 0;
  #events = 0;
  #outputBytes = 0;
  #gapped = false;
  #sealedBatches = 0;
  #failure: Fault | undefined;
  #finished: Promise<RecordingSummary> | undefined;
  #stored: Promise<void> = Promise.resolve();
  #manifestDigest: Uint8Array | undefined;
  /** Monotonic time since which the oldest pending event waits for its chunk to be sealed. */
  pendingSinceMs = 0;

  constructor(parts: JournalSessionParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.headHash = Buffer.from(parts.headDigest).toString('hex');
    this.#startMs = parts.clock.monotonicMs();
    const failed = Promise.withResolvers<Fault>();
    this.failed = failed.promise;
    this.#resolveFailed = failed.resolve;
    this.#queued = parts.queue.part((fault) => {
      this.fail(fault);
    });
  }

  get slot(): number {
    return this.#parts.slot;
  }

  get startedAt(): number {
    return this.#parts.description.startedAt;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get backlog(): Promise<void> | undefined {
    return this.#queued.room?.promise;
  }

  get checkpointEntry(): CheckpointEntry {
    return {
      recording: this.id,
      seq: this.#chunks.length,
      hash: this.#parts.sealer.head,
      manifest: this.#manifestDigest,
    };
  }

  append(event: RecordingEvent): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#finished !== undefined) return Promise.reject(new Fault('RECORDER_FAILED', 'the recording has ended'));
    let encoded: EncodedEvent;
    try {
      encoded = encodeEvent(event);
    } catch (cause) {
      return Promise.reject(new Fault('INTERNAL', `a ${event.kind} event cannot be recorded`, { cause }));
    }
    if (event.kind === 'output') this.#outputBytes += event.bytes.length;
    if (event.kind === 'gap') this.#gapped = true;
    if (encoded.data.length <= MAX_EVENT_BYTES) return this.#append(encoded);
    let written = Promise.resolve();
    for (let at = 0; at < encoded.data.length; at += MAX_EVENT_BYTES) {
      written = this.#append({ ...encoded, data: encoded.data.subarray(at, at + MAX_EVENT_BYTES) });
    }
    return written;
  }

  sealKeys(channel: number, strokes: readonly PastKeyStroke[]): Promise<void> {
    const { inputKey } = this.#parts;
    if (inputKey === undefined)
      return Promise.reject(new Fault('RECORDER_FAILED', `recording ${this.id} has no key for what is typed`));
    const sequence = ++this.#sealedBatches;
    const cipher = createCipheriv('aes-256-gcm', inputKey.reveal(), sealedStrokesNonce(sequence));
    cipher.setAAD(sealedStrokesContext(this.id, sequence));
    const plain = encodeStrokes(strokes);
    const bytes = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    plain.fill(0);
    return this.append({ kind: 'sealed-keys', channel, sequence, bytes });
  }

  /** Stops accepting. What was accepted is sealed by `finish`. */
  fail(fault: Fault): void {
    if (this.#failure !== undefined || this.#finished !== undefined) return;
    this.#failure = fault;
    this.#resolveFailed(fault);
  }

  finish(end: RecordingEnd): Promise<RecordingSummary> {
    this.#finished ??= this.#finish(end.reason);
    return this.#finished;
  }

  /** Seals what is pending as a chunk; at the end also where nothing is. */
  seal(final: 'final' | 'more'): void {
    const { sealer, clock, journal, prefix } = this.#parts;
    const { monotonicMs, wallMs } = { monotonicMs: clock.monotonicMs(), wallMs: clock.now() };
    const empty = this.#pending.length === 0;
    if (empty && final === 'more') return;
    if (empty) this.#lastUs = Math.max(this.#lastUs, this.#nowUs());
    const [firstUs, lastUs, segment] = [
      empty ? this.#lastUs : this.#pendingFirstUs,
      this.#lastUs,
      this.#pendingSegment,
    ];
    const chunk = { parts: this.#pending, bytes: this.#pendingBytes, firstUs, lastUs, final: final === 'final' };
    const { seq, bytes, digest } = sealer.seal(chunk, { monotonicMs, wallMs });
    this.#queued.count(bytes.length - this.#pendingBytes);
    journal.forget(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#chunks.add({ hash: digest, fromUs: firstUs, toUs: lastUs, bytes: bytes.length });
    this.#storedBytes += bytes.length;
    this.#enqueue(async () => {
      await this.#queued.put(`${prefix}/${chunkName(seq)}`, bytes);
      giveBack(bytes);
      if (!empty) journal.release(segment);
    });
  }

  #append(encoded: EncodedEvent): Promise<void> {
    const { journal, sealer, slot } = this.#parts;
    if (this.#pendingBytes + EVENT_OVERHEAD_BYTES + encoded.data.length > CHUNK_BYTES) this.seal('more');
    const nowUs = Math.max(this.#lastUs, this.#nowUs());
    const first = this.#pending.length === 0;
    if (first) {
      this.#pendingFirstUs = nowUs;
      this.#pendingSegment = journal.hold();
      this.pendingSinceMs = this.#parts.clock.monotonicMs();
      this.#parts.onPending(this);
    }
    const place = {
      slot,
      seq: sealer.nextSeq,
      firstUs: this.#pendingFirstUs,
      deltaUs: first ? 0 : nowUs - this.#lastUs,
    };
    const { view, written } = journal.appendEvent(place, encoded);
    this.#pending.push(view);
    this.#pendingBytes += view.length;
    this.#lastUs = nowUs;
    this.#events++;
    this.#queued.count(view.length);
    // Who waits with nothing on its way would wait until the chunk is due.
    if (this.#queued.room !== undefined && this.#queued.bytes === this.#pendingBytes) this.seal('more');
    return written;
  }

  #enqueue(work: () => Promise<void>): void {
    this.#stored = this.#stored.then(work);
    this.#stored.catch((cause: unknown) => {
      this.fail(new Fault('RECORDER_FAILED', `recording ${this.id} cannot be stored`, { cause }));
    });
  }

  async #finish(reason: string): Promise<RecordingSummary> {
    const { description, sealer, signer, prefix, clock } = this.#parts;
    this.seal('final');
    const chunks = this.#chunks.toArray();
    const state: RecordingState = this.#failure !== undefined ? 'INCOMPLETE' : this.#gapped ? 'GAPPED' : 'COMPLETE';
    const body = manifestBody({
      ...{ recording: this.id, head: this.#parts.headDigest, description, state, durationUs: this.#lastUs },
      reason: this.#failure === undefined ? reason : `${this.#failure.code}: ${this.#failure.message}`,
      events: this.#events,
      outputBytes: this.#outputBytes,
      chunks,
      merkleRoot: merkleRoot(
        chunks.map((chunk) => chunk.hash),
        sha256,
      ),
      epochKeys: sealer.epochKeys,
    });
    const manifest = await signDocument(body, signer, sealer.signLast(signedBytes(body)));
    this.#manifestDigest = sha256(manifest);
    this.#storedBytes += manifest.length;
    this.#queued.count(manifest.length);
    this.#enqueue(async () => {
      await this.#queued.put(`${prefix}/${MANIFEST_NAME}`, manifest);
      this.#parts.onStored(this);
    });
    const late = Promise.withResolvers<boolean>();
    using _timer = clock.after(FINISH_WAIT_MS, () => {
      late.resolve(false);
    });
    const stored = await Promise.race([
      this.#stored.then(
        () => true,
        () => false,
      ),
      late.promise,
    ]);
    return {
      ...{ id: this.id, sessionId: description.sessionId, startedAt: description.startedAt, state, stored },
      durationMs: Math.round(this.#lastUs / 1000),
      chunks: chunks.length,
      events: this.#events,
      outputBytes: this.#outputBytes,
      storedBytes: this.#storedBytes,
      manifestHash: Buffer.from(this.#manifestDigest).toString('hex'),
    };
  }

  #nowUs(): number {
    return Math.round((this.#parts.clock.monotonicMs() - this.#startMs) * 1000);
  }
}
