import { createCipheriv, createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import {
  checkpointBody,
  checkpointName,
  chunkName,
  chunkNonce,
  dataKeyContext,
  encodeEvent,
  FLAG,
  HEAD_NAME,
  headBody,
  MANIFEST_NAME,
  manifestBody,
  merkleRoot,
  recordingIdBytes,
  signDocument,
  signedBytes,
  signedChunkDigest,
  trustStoreOf,
  writeChunkHeader,
  writeEvent,
} from '@enchilada/core/recording';
import { joinWrappedKey } from '@enchilada/core/credential';
import type {
  Checkpoint,
  ManifestChunk,
  RecordingDescription,
  RecordingEvent,
  RecordingSigner,
  RecordingSource,
  RecordingState,
  TrustStore,
  VerifyCrypto,
} from '@enchilada/core/recording';
import { randomId } from '@enchilada/core/time';

/**
 * A second writer of the recording format, kept apart from the recorder: what tests alter, and what an attacker with some of the keys could
 * write. Everything follows from the seed, so that a failing case comes again.
 */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

export const nodeVerifyCrypto: VerifyCrypto = {
  sha256: (...parts) =>
    hash('sha256', parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts), 'buffer'),
  verifyEd25519: (publicKey, message, signature) =>
    verify(
      undefined,
      message,
      createPublicKey({ key: Buffer.concat([ED25519_SPKI, publicKey]), format: 'der', type: 'spki' }),
      signature,
    ),
};

/** SHA-256 in counter mode: cheap, and the same everywhere. */
export class SeededRandom {
  readonly #seed: string;
  #counter = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const block = hash('sha256', `${this.#seed}/${this.#counter++}`, 'buffer');
      out.set(block.subarray(0, Math.min(32, length - at)), at);
    }
    return out;
  }

  below(limit: number): number {
    return Number(Buffer.from(this.bytes(6)).readUIntBE(0, 6)) % limit;
  }
}

export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: Buffer;
}

export function signingKey(random: SeededRandom): SigningKey {
  const privateKey = createPrivateKey({
    key: Buffer.concat([ED25519_PKCS8, random.bytes(32)]),
    format: 'der',
    type: 'pkcs8',
  });
  return { privateKey, publicKey: createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32) };
}

export function clusterSigner(random: SeededRandom): RecordingSigner {
  const { privateKey, publicKey } = signingKey(random);
  const keyId = hash('sha256', publicKey, 'hex').slice(0, 16);
  return {
    keyId,
    publicKey,
    assurance: 'local',
    sign: (message) => Promise.resolve(sign(undefined, message, privateKey)),
  };
}

export interface RecordingPlan {
  readonly seed: string;
  /** Number of chunks in each epoch. */
  readonly epochs: readonly number[];
  readonly state?: RecordingState;
  readonly signer?: RecordingSigner;
  readonly description?: Partial<RecordingDescription>;
  /** The data key that the chunks are really sealed with, where it is not the committed one. */
  readonly otherDataKey?: Uint8Array;
  readonly eventsPerChunk?: number;
}

/** A recording in memory, with every key that made it. */
export class RecordingFixture {
  readonly id: string;
  readonly description: RecordingDescription;
  readonly files = new Map<string, Uint8Array>();
  readonly chunks: ManifestChunk[] = [];
  readonly events: RecordingEvent[] = [];
  readonly epochKeys: SigningKey[];
  readonly signer: RecordingSigner;
  readonly random: SeededRandom;
  readonly dataKey: Uint8Array;
  readonly keyEncryptionKey: Uint8Array;
  readonly plan: RecordingPlan;

  private constructor(plan: RecordingPlan) {
    this.plan = plan;
    this.random = new SeededRandom(plan.seed);
    this.id = randomId(this.random);
    this.signer = plan.signer ?? clusterSigner(this.random);
    this.dataKey = this.random.bytes(32);
    this.keyEncryptionKey = this.random.bytes(32);
    this.epochKeys = plan.epochs.map(() => signingKey(this.random));
    this.description = {
      sessionId: `ses_${plan.seed}`,
      user: { id: 'usr_1', name: 'ada', address: '192.0.2.7' },
      target: { id: 'tgt_1', name: 'db-1', address: '198.51.100.4:22', hostKeyFingerprint: 'SHA256:abc' },
      protocol: 'example',
      surface: 'terminal',
      policy: { strict: true, input: 'off' },
      node: 'node-1',
      softwareVersion: '0.1.0',
      startedAt: Date.UTC(2026, 2, 1, 12),
      ...plan.description,
    };
  }

  static async build(plan: RecordingPlan): Promise<RecordingFixture> {
    const fixture = new RecordingFixture(plan);
    await fixture.writeHead();
    let previous: Uint8Array = fixture.digestOf(HEAD_NAME);
    let [seq, atUs] = [1, 0];
    for (const [epoch, count] of plan.epochs.entries()) {
      for (let index = 0; index < count; index++, seq++) {
        const next = index === count - 1 ? fixture.epochKeys[epoch + 1]?.publicKey : undefined;
        const final = next === undefined && index === count - 1;
        const { plain, lastUs } = fixture.#events(atUs);
        previous = fixture.seal({
          seq,
          epoch,
          firstUs: atUs,
          lastUs,
          plain,
          previous,
          flags: final ? FLAG.final : 0,
          next,
        });
        atUs = lastUs + 1000;
      }
    }
    await fixture.writeManifest();
    return fixture;
  }

  get trust(): TrustStore {
    return trustStoreOf([this.signer]);
  }

  get source(): RecordingSource {
    const objects = [...this.files].map(([name, bytes]) => ({ name, size: bytes.length }));
    return { id: this.id, objects, read: (name) => this.files.get(name) ?? new Uint8Array() };
  }

  digestOf(name: string): Buffer {
    const bytes = this.files.get(name) ?? new Uint8Array();
    return hash('sha256', name.endsWith('.brc') ? bytes.subarray(0, -64) : bytes, 'buffer');
  }

  /** The same recording, to be altered. */
  copy(): RecordingFixture {
    const copy = new RecordingFixture(this.plan);
    for (const [name, bytes] of this.files) copy.files.set(name, Uint8Array.from(bytes));
    copy.chunks.push(...this.chunks);
    copy.events.push(...this.events);
    return copy;
  }

  async writeHead(
    changes: {
      readonly signer?: RecordingSigner;
      readonly epochKey?: Uint8Array;
      readonly description?: RecordingDescription;
    } = {},
  ): Promise<void> {
    const nonce = this.random.bytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.keyEncryptionKey, nonce).setAAD(
      Buffer.from(dataKeyContext(this.id)),
    );
    const sealed = Buffer.concat([cipher.update(this.plan.otherDataKey ?? this.dataKey), cipher.final()]);
    const body = headBody({
      recording: this.id,
      description: changes.description ?? this.description,
      dataKey: {
        keyId: 'kek-1',
        wrapped: joinWrappedKey({ nonce, sealed, tag: cipher.getAuthTag() }),
        commitment: hash('sha256', Buffer.concat([Buffer.from('kc'), this.dataKey]), 'buffer'),
      },
      epochKey: changes.epochKey ?? this.epochKeys[0]?.publicKey ?? Buffer.alloc(32),
    });
    this.files.set(HEAD_NAME, await signDocument(body, changes.signer ?? this.signer));
  }

  /** Seals and stores a chunk; returns its digest. */
  seal(chunk: {
    readonly seq: number;
    readonly epoch: number;
    readonly firstUs: number;
    readonly lastUs: number;
    readonly plain: Uint8Array;
    readonly previous: Uint8Array;
    readonly flags: number;
    readonly next: Uint8Array | undefined;
    readonly key?: SigningKey;
  }): Buffer {
    const content = zstdCompressSync(chunk.plain, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
    const header = writeChunkHeader({
      flags: chunk.flags | FLAG.encrypted | FLAG.compressed | (chunk.next === undefined ? 0 : FLAG.epochEnd),
      sid: recordingIdBytes(this.id),
      seq: chunk.seq,
      epoch: chunk.epoch,
      firstUs: chunk.firstUs,
      lastUs: chunk.lastUs,
      wallMs: this.description.startedAt + Math.floor(chunk.lastUs / 1000),
      plainBytes: chunk.plain.length,
      cipherBytes: content.length,
      prev: chunk.previous,
      nextPublicKey: chunk.next,
    });
    const cipher = createCipheriv(
      'aes-256-gcm',
      this.plan.otherDataKey ?? this.dataKey,
      chunkNonce(chunk.epoch, chunk.seq),
    ).setAAD(header);
    const signed = Buffer.concat([header, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    this.files.set(chunkName(chunk.seq), Buffer.concat([signed, Buffer.alloc(64)]));
    const digest = this.digestOf(chunkName(chunk.seq));
    this.resign(chunk.seq, chunk.key ?? this.#epochKey(chunk.epoch));
    const bytes = this.files.get(chunkName(chunk.seq))?.length ?? 0;
    this.chunks[chunk.seq - 1] = { hash: digest, fromUs: chunk.firstUs, toUs: chunk.lastUs, bytes };
    return digest;
  }

  resign(seq: number, key: SigningKey): void {
    const signature = sign(undefined, signedChunkDigest(this.digestOf(chunkName(seq))), key.privateKey);
    this.files.get(chunkName(seq))?.set(signature, (this.files.get(chunkName(seq))?.length ?? 64) - 64);
  }

  async writeManifest(
    changes: {
      readonly signer?: RecordingSigner;
      readonly epochKey?: SigningKey;
      readonly description?: RecordingDescription;
      readonly keys?: readonly SigningKey[];
    } = {},
  ): Promise<void> {
    const keys = changes.keys ?? this.epochKeys;
    const body = manifestBody({
      recording: this.id,
      head: this.digestOf(HEAD_NAME),
      description: changes.description ?? this.description,
      state: this.plan.state ?? 'COMPLETE',
      reason: this.plan.state === 'INCOMPLETE' ? 'crash' : 'closed',
      durationUs: this.chunks.at(-1)?.toUs ?? 0,
      events: this.events.length,
      outputBytes: this.events.reduce((sum, event) => sum + (event.kind === 'output' ? event.bytes.length : 0), 0),
      chunks: this.chunks,
      merkleRoot: merkleRoot(
        this.chunks.map((chunk) => chunk.hash),
        nodeVerifyCrypto.sha256,
      ),
      epochKeys: keys.map(({ publicKey }, epoch) => ({ epoch, key: publicKey })),
    });
    const epochKey = changes.epochKey ?? keys.at(-1);
    if (epochKey === undefined) throw new RangeError('a recording has at least one epoch');
    const signature = sign(undefined, signedBytes(body), epochKey.privateKey);
    this.files.set(MANIFEST_NAME, await signDocument(body, changes.signer ?? this.signer, signature));
  }

  /** A checkpoint of this recording after chunk `seq`. */
  async checkpoint(seq: number, changes: Partial<Checkpoint> = {}): Promise<{ name: string; bytes: Uint8Array }> {
    const at = this.description.startedAt + 60_000 * (seq + 1);
    const hash = seq === 0 ? this.digestOf(HEAD_NAME) : (this.chunks[seq - 1]?.hash ?? new Uint8Array(32));
    const entries = [{ recording: this.id, seq, hash, manifest: undefined }];
    const body = checkpointBody({ node: 'node-1', at, previous: undefined, auditHead: undefined, entries, ...changes });
    return { name: checkpointName('node-1', at), bytes: await signDocument(body, this.signer) };
  }

  #epochKey(epoch: number): SigningKey {
    const key = this.epochKeys[epoch];
    if (key === undefined) throw new RangeError(`there is no epoch ${epoch}`);
    return key;
  }

  #events(firstUs: number): { plain: Uint8Array; lastUs: number } {
    const buffer = Buffer.alloc(64 * 1024);
    const count = this.plan.eventsPerChunk ?? 1 + this.random.below(12);
    let [at, lastUs] = [0, firstUs];
    for (let index = 0; index < count; index++) {
      const event = this.#event();
      const deltaUs = index === 0 ? 0 : this.random.below(400_000);
      at = writeEvent(buffer, at, { ...encodeEvent(event), deltaUs });
      lastUs += deltaUs;
      this.events.push(event);
    }
    return { plain: buffer.subarray(0, at), lastUs };
  }

  #event(): RecordingEvent {
    switch (this.random.below(6)) {
      case 0:
        return { kind: 'resize', columns: 80 + this.random.below(100), rows: 24 };
      case 1:
        return { kind: 'input-length', count: this.random.below(10) };
      case 2:
        return { kind: 'join', viewer: 'v1', user: 'ada', mode: 'control' };
      default:
        return {
          kind: 'output',
          bytes: Buffer.from(`line ${Buffer.from(this.random.bytes(this.random.below(60))).toString('hex')}\r\n`),
        };
    }
  }
}
