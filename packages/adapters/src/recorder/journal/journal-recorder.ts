import { SecretBytes } from '@enchilada/core/credential';
import type { KeyEncryption } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import {
  dataKeyContext,
  HEAD_NAME,
  headBody,
  inputKeyContext,
  recordingPrefix,
  signDocument,
} from '@enchilada/core/recording';
import type {
  CheckpointEntry,
  Recorder,
  RecorderStats,
  RecordingDescription,
  RecordingId,
  RecordingSigner,
  RecordingStore,
  RecordingSummary,
  SealedDataKey,
  SessionRecorder,
} from '@enchilada/core/recording';
import { randomId } from '@enchilada/core/time';
import type { Clock, RandomSource } from '@enchilada/core/time';
import { CheckpointWriter } from './checkpoint-writer.ts';
import { ChunkSealer } from './chunk-sealer.ts';
import { Journal } from './journal.ts';
import type { OpenSegment } from './journal.ts';
import { JournalSession } from './journal-session.ts';
import { lockFolder } from './lock-folder.ts';
import { keyCommitment, sha256 } from './node-crypto.ts';
import { recoverJournal } from './recovery.ts';
import { StoreQueue } from './store-queue.ts';

export interface JournalRecorderOptions {
  /** The journal's own folder: one node, one process. */
  readonly directory: string;
  readonly store: RecordingStore;
  /** Where checkpoints go; best out of reach of whoever can alter the recordings. The store of the recordings where absent. */
  readonly checkpoints?: RecordingStore;
  readonly keys: KeyEncryption;
  readonly signer: RecordingSigner;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly node: string;
  /** Hex head of the node's audit chain, for checkpoints. */
  auditHead?(): string | undefined;
  /** Hears what goes wrong in the background and ends no session by itself. */
  report?(what: string, cause: unknown): void;
  /** Below it no recording is opened. 10 % of the volume where absent, at least 500 MiB and at most 10 GiB. */
  readonly minFreeBytes?: number;
  readonly segmentBytes?: number;
  readonly maxUnstoredBytes?: number;
  readonly openSegment?: OpenSegment;
}

type OpenSlot = Pick<JournalSession, 'slot' | 'startedAt' | 'id'>;

const MIB = 1024 * 1024;
const SEGMENT_BYTES = 16 * MIB;
const MAX_UNSTORED_BYTES = 64 * MIB;
const CHUNK_AGE_MS = 5000;
const SEAL_CHECK_MS = 250;
/** Sealing chunks that are due lets others have a turn after this, so that nobody's echo waits for it. */
const SEAL_SLICE_MS = 8;
const CHECKPOINT_MS = 60_000;

/** @throws Fault RECORDER_FAILED where another process holds the folder, RECORDING_STORE_FULL, KEY_UNAVAILABLE */
export async function openJournalRecorder(options: JournalRecorderOptions): Promise<Recorder> {
  const lock = await lockFolder(options.directory);
  try {
    return await JournalRecorder.open(options, lock);
  } catch (cause) {
    await lock[Symbol.asyncDispose]();
    throw cause;
  }
}

class JournalRecorder implements Recorder {
  readonly #options: JournalRecorderOptions;
  readonly #lock: AsyncDisposable;
  readonly #queue: StoreQueue;
  readonly #checkpoints: CheckpointWriter;
  /** What the journal says is open: a slot is taken before its head.json is stored, and free once its manifest is. */
  readonly #slots = new Map<number, OpenSlot>();
  readonly #live = new Map<number, JournalSession>();
  /** By the age of their pending chunk, oldest first. */
  readonly #pending = new Set<JournalSession>();
  #ended: CheckpointEntry[] = [];
  #journal!: Journal;
  #nextSlot = 1;
  #failures = 0;
  #freeBytes = 0;
  #reopening: Promise<void> | undefined;
  #sealTimer: Disposable | undefined;
  #checkpointTimer: Disposable | undefined;
  #checkpointing = Promise.resolve();

  private constructor(
    options: JournalRecorderOptions,
    parts: { lock: AsyncDisposable; checkpoints: CheckpointWriter },
  ) {
    const { store, clock, random, maxUnstoredBytes = MAX_UNSTORED_BYTES } = options;
    this.#options = options;
    this.#lock = parts.lock;
    this.#checkpoints = parts.checkpoints;
    this.#queue = new StoreQueue({
      ...{ store, clock, random, maxUnstoredBytes },
      onFull: (fault) => {
        this.#failAll(fault);
      },
    });
  }

  static async open(options: JournalRecorderOptions, lock: AsyncDisposable): Promise<JournalRecorder> {
    const { directory, keys, clock, signer, node, segmentBytes = SEGMENT_BYTES, openSegment } = options;
    const checkpoints = await CheckpointWriter.open({
      ...{ directory, signer, clock, node },
      store: options.checkpoints ?? options.store,
      auditHead: () => options.auditHead?.(),
    });
    const recorder = new JournalRecorder(options, { lock, checkpoints });
    recorder.#journal = await Journal.open({
      ...{ directory, keys, clock, segmentBytes, ...(openSegment && { openSegment }) },
      live: () => recorder.#slots.values(),
      onFailure: (fault) => {
        recorder.#failAll(fault);
      },
    });
    // With too little room the node still plays recordings; it opens none.
    await recorder.#measureFree().catch(() => undefined);
    recorder.#checkpointTimer = clock.every(CHECKPOINT_MS, () => {
      recorder.#checkpointing = recorder.#checkpointing.then(() => recorder.#checkpoint());
    });
    return recorder;
  }

  get stats(): RecorderStats {
    return {
      liveRecordings: this.#live.size,
      lagBytes: this.#journal.lagBytes,
      lagMs: this.#journal.lagMs,
      unstoredBytes: this.#queue.unstoredBytes,
      journalBytes: this.#journal.bytes,
      spoolFreeBytes: this.#freeBytes,
      storedChunks: this.#queue.storedChunks,
      storeRetries: this.#queue.retries,
      failures: this.#failures,
    };
  }

  async probe(): Promise<void> {
    await this.#measureFree();
    if (this.#journal.failure !== undefined) await this.#reopen();
  }

  async open(description: RecordingDescription, id = randomId(this.#options.random)): Promise<SessionRecorder> {
    const { store, keys, signer, clock, random } = this.#options;
    await this.probe();
    const prefix = recordingPrefix(id, description.startedAt);
    const dataKey = new SecretBytes(random.bytes(32));
    const wrapped = await keys.wrap(dataKey, dataKeyContext(id));
    const sealer = new ChunkSealer({
      id,
      dataKey,
      previous: new Uint8Array(32),
      seq: 1,
      epoch: 0,
      startedMs: clock.monotonicMs(),
      flags: 0,
    });
    const sealedKey = { keyId: wrapped.keyId, wrapped: wrapped.bytes, commitment: keyCommitment(dataKey.reveal()) };
    const input = description.policy.desktopInput === 'keys' ? await this.#inputKey(id) : undefined;
    const head = await signDocument(
      headBody({
        ...{ recording: id, description, dataKey: sealedKey, epochKey: sealer.publicKey },
        ...(input === undefined ? {} : { inputKey: input.sealed }),
      }),
      signer,
    );
    const headDigest = sha256(head);
    sealer.follow(headDigest);
    const slot = this.#nextSlot++;
    const session = new JournalSession({
      ...{
        id,
        description,
        prefix,
        headDigest,
        slot,
        sealer,
        signer,
        clock,
        journal: this.#journal,
        queue: this.#queue,
        inputKey: input?.key,
      },
      onPending: (pending) => {
        this.#sealLater(pending);
      },
      onStored: (stored) => {
        this.#forget(stored);
        dataKey[Symbol.dispose]();
        input?.key[Symbol.dispose]();
      },
    });
    this.#slots.set(slot, session);
    try {
      await this.#journal.appendOpened({ slot, startedAt: description.startedAt, id });
      await store.put(`${prefix}/${HEAD_NAME}`, head);
    } catch (cause) {
      this.#close(slot);
      throw cause;
    }
    this.#live.set(slot, session);
    if (this.#journal.failure !== undefined) session.fail(this.#journal.failure);
    return session;
  }

  async #inputKey(id: RecordingId): Promise<{ readonly key: SecretBytes; readonly sealed: SealedDataKey }> {
    const { keys, random } = this.#options;
    const key = new SecretBytes(random.bytes(32));
    const { keyId, bytes } = await keys.wrap(key, inputKeyContext(id));
    return { key, sealed: { keyId, wrapped: bytes, commitment: keyCommitment(key.reveal()) } };
  }

  recover(): Promise<readonly RecordingSummary[]> {
    const { directory, store, keys, signer, clock, random, node } = this.#options;
    const report = (what: string, cause: unknown): void => this.#options.report?.(what, cause);
    return recoverJournal({
      directory,
      store,
      keys,
      signer,
      clock,
      random,
      node,
      report,
      before: this.#journal.firstSegment,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#checkpointTimer?.[Symbol.dispose]();
    this.#sealTimer?.[Symbol.dispose]();
    await this.#checkpointing;
    this.#queue.stop();
    await this.#journal[Symbol.asyncDispose]();
    await this.#lock[Symbol.asyncDispose]();
  }

  /** @throws Fault RECORDING_STORE_FULL */
  async #measureFree(): Promise<void> {
    const { free, total } = await this.#journal.freeBytes();
    const { minFreeBytes = Math.min(10 * 1024 * MIB, Math.max(500 * MIB, total / 10)) } = this.#options;
    const storeFree = await this.#options.store.freeBytes();
    this.#freeBytes = Math.min(free, storeFree);
    if (this.#freeBytes < minFreeBytes) {
      throw new Fault(
        'RECORDING_STORE_FULL',
        `${this.#freeBytes} bytes are free for recordings, ${Math.ceil(minFreeBytes)} must be`,
      );
    }
  }

  async #reopen(): Promise<void> {
    this.#reopening ??= this.#journal.reopen().finally(() => {
      this.#reopening = undefined;
    });
    await this.#reopening;
  }

  #failAll(fault: Fault): void {
    this.#failures++;
    for (const session of this.#live.values()) session.fail(fault);
  }

  #sealLater(session: JournalSession): void {
    this.#pending.delete(session);
    this.#pending.add(session);
    this.#sealTimer ??= this.#options.clock.every(SEAL_CHECK_MS, () => {
      this.#sealDue();
    });
  }

  #sealDue(): void {
    const { clock } = this.#options;
    const begun = clock.monotonicMs();
    for (const session of this.#pending) {
      if (session.pendingBytes > 0) {
        if (begun - session.pendingSinceMs < CHUNK_AGE_MS) return;
        if (clock.monotonicMs() - begun > SEAL_SLICE_MS) {
          clock.after(0, () => {
            this.#sealDue();
          });
          return;
        }
        session.seal('more');
      }
      this.#pending.delete(session);
    }
    this.#sealTimer?.[Symbol.dispose]();
    this.#sealTimer = undefined;
  }

  #forget(session: JournalSession): void {
    this.#live.delete(session.slot);
    this.#pending.delete(session);
    this.#ended.push(session.checkpointEntry);
    this.#close(session.slot);
  }

  #close(slot: number): void {
    this.#slots.delete(slot);
    // Where it fails, a restart finds the manifest, or no head, and has nothing to do.
    this.#journal.appendClosed(slot).catch(() => undefined);
  }

  async #checkpoint(): Promise<void> {
    const ended = this.#ended;
    this.#ended = [];
    const live = [...this.#live.values()].map((session) => session.checkpointEntry);
    try {
      await this.#checkpoints.write([...live, ...ended]);
    } catch (cause) {
      this.#ended = [...ended, ...this.#ended];
      this.#options.report?.('a checkpoint could not be written', cause);
    }
  }
}
