import { sameBytes } from './bytes.ts';
import { parseCanonicalJson } from './canonical-json.ts';
import type { CheckpointEntry } from './checkpoint.ts';
import type { Chunk } from './chunk.ts';
import { parseHead, parseRecoveredHead } from './head.ts';
import type { RecordingHead, RecoveredHead } from './head.ts';
import { HEAD_NAME, parseObjectName, recoveredHeadName } from './layout.ts';
import { parseManifest, sameDescription } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { RecordingDescription, RecordingId } from './recorder.ts';
import type { StoredObject } from './recording-store.ts';
import { clusterSignature, signedBytes } from './signed-document.ts';
import type { SignedDocument } from './signed-document.ts';
import type { TrustStore } from './trust.ts';
import { timeText } from './verify-report.ts';
import type { VerifyCode, VerifyFinding } from './verify-report.ts';

/** The primitives that a pure package cannot have. Synchronous: a chunk is at most 1 MiB. */
export interface VerifyCrypto {
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** One recording's folder. `read` may reuse its buffer: what it returned is valid until the next call. */
export interface RecordingSource {
  readonly id: RecordingId;
  readonly objects: readonly StoredObject[];
  read(name: string): Promise<Uint8Array> | Uint8Array;
}

/** Looks into the events of a chunk whose integrity is established. Present with `--decrypt` only. */
export interface ContentCheck {
  /** Called with the head that holds the data key of the chunks that follow. Returns a finding where the key is not the committed one. */
  begin(id: RecordingId, head: RecordingHead | RecoveredHead): Promise<VerifyFinding | undefined>;
  check(chunk: Chunk): VerifyFinding | undefined;
}

export interface VerifyOptions {
  readonly crypto: VerifyCrypto;
  readonly trust: TrustStore;
  /** What checkpoints say of this recording. */
  readonly checkpoints?: readonly CheckpointEntry[];
  /** Hex hash of the audit row `session.opened`. */
  readonly auditHash?: string;
  /** Until when the audit row `session.opened` promises to keep it. */
  readonly retainUntil?: number;
  /** How long the auditor's rules ask to keep it; recordings that promise nothing do not fulfil it. */
  readonly retentionMs?: number;
  readonly content?: ContentCheck;
}

/** A manifest that the recording key signed and that belongs to the head. */
export interface Evidence {
  readonly manifest: Manifest;
  readonly document: SignedDocument;
  readonly epochSignature: Uint8Array;
  readonly name: string;
}

/** The signed documents of a recording, each only where its signature holds. */
export interface Documents {
  readonly head: RecordingHead;
  /** Digest of head.json: what chunk 1 and all other documents refer to. */
  readonly headDigest: Uint8Array;
  /** By epoch. */
  readonly recovered: readonly RecoveredHead[];
  readonly evidence: Evidence | undefined;
}

export interface DocumentContext {
  readonly options: VerifyOptions;
  readonly findings: VerifyFinding[];
  /** Undefined for what is absent or too large. */
  read(name: string): Promise<Uint8Array | undefined>;
}

/** Bounds what is read at once; 16 MiB of manifest is a week of chunks at one in 5 s. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** Undefined where the head does not count: then nothing else can be judged. */
export async function readDocuments(source: RecordingSource, context: DocumentContext): Promise<Documents | undefined> {
  return new DocumentReader(source, context).run();
}

class DocumentReader {
  readonly #source: RecordingSource;
  readonly #context: DocumentContext;
  #headDigest: Uint8Array = new Uint8Array();

  constructor(source: RecordingSource, context: DocumentContext) {
    this.#source = source;
    this.#context = context;
  }

  async run(): Promise<Documents | undefined> {
    const head = await this.#readHead();
    if (head === undefined) return undefined;
    const recovered = await this.#readRecoveredHeads();
    return { head, headDigest: this.#headDigest, recovered, evidence: await this.#readManifests(head) };
  }

  #report(code: VerifyCode, message: string, object: string): void {
    this.#context.findings.push({ code, message, object });
  }

  async #readHead(): Promise<RecordingHead | undefined> {
    const bytes = await this.#context.read(HEAD_NAME);
    if (bytes === undefined) {
      this.#report(25, 'head.json is missing or too large', HEAD_NAME);
      return undefined;
    }
    this.#headDigest = this.#context.options.crypto.sha256(bytes);
    const parsed = parseHead(bytes);
    const version = parseCanonicalJson(bytes)?.['version'];
    if (typeof version === 'number' && version !== 1) {
      this.#report(40, `is of version ${version}, this verifier knows version 1`, HEAD_NAME);
      return undefined;
    }
    if (parsed === undefined) {
      this.#report(25, 'head.json is no canonical head of version 1', HEAD_NAME);
      return undefined;
    }
    if (parsed.head.recording !== this.#source.id) {
      this.#report(25, `head.json belongs to recording ${parsed.head.recording}`, HEAD_NAME);
      return undefined;
    }
    if (!this.#holds(parsed.document, HEAD_NAME)) return undefined;
    const { auditHash } = this.#context.options;
    const named = parsed.head.description.auditHash;
    if (auditHash !== undefined && named !== undefined && named !== auditHash) {
      this.#report(25, 'the audit row session.opened is not the one that head.json names', HEAD_NAME);
    }
    this.#checkRetention(parsed.head.description);
    return parsed.head;
  }

  #checkRetention({ startedAt, retainUntil }: RecordingDescription): void {
    const { retainUntil: audited, retentionMs } = this.#context.options;
    const promise = `promises to keep the recording ${untilText(retainUntil)}`;
    if (audited !== undefined && (retainUntil ?? 0) < audited)
      this.#report(30, `${promise}, the audit row session.opened ${untilText(audited)}`, HEAD_NAME);
    const asked = retentionMs === undefined ? undefined : startedAt + retentionMs;
    if (asked !== undefined && (retainUntil ?? 0) < asked)
      this.#report(30, `${promise}, ${untilText(asked)} is asked for`, HEAD_NAME);
  }

  async #readRecoveredHeads(): Promise<readonly RecoveredHead[]> {
    const recovered: RecoveredHead[] = [];
    for (const { name } of this.#source.objects) {
      if (parseObjectName(name)?.kind !== 'recovered-head') continue;
      const bytes = await this.#context.read(name);
      const parsed = bytes && parseRecoveredHead(bytes);
      const fits = parsed?.head.recording === this.#source.id && sameBytes(parsed.head.head, this.#headDigest);
      if (parsed === undefined || !fits || recoveredHeadName(parsed.head.epoch) !== name) {
        this.#report(25, 'is no canonical recovery head of this recording', name);
      } else if (this.#holds(parsed.document, name)) {
        recovered.push(parsed.head);
      }
    }
    return recovered.sort((a, b) => a.epoch - b.epoch);
  }

  /** The manifest that reaches furthest among those the cluster key signed; a recovery's may stand beside one that came late. */
  async #readManifests(head: RecordingHead): Promise<Evidence | undefined> {
    let best: Evidence | undefined;
    for (const { name } of this.#source.objects) {
      const kind = parseObjectName(name)?.kind;
      if (kind !== 'manifest' && kind !== 'recovered-manifest') continue;
      const bytes = await this.#context.read(name);
      const parsed = bytes && parseManifest(bytes);
      if (parsed === undefined) {
        this.#report(25, 'is no canonical manifest of version 1', name);
        continue;
      }
      if (!this.#holds(parsed.document, name)) continue;
      const { manifest } = parsed;
      if (manifest.recording !== this.#source.id || !sameBytes(manifest.head, this.#headDigest)) {
        this.#report(25, 'belongs to another head', name);
        continue;
      }
      const promised = head.description.retainUntil;
      const isShorter = promised !== undefined && (manifest.description.retainUntil ?? 0) < promised;
      if (isShorter)
        this.#report(
          30,
          `promises to keep the recording ${untilText(manifest.description.retainUntil)}, head.json ${untilText(promised)}`,
          name,
        );
      const compared = isShorter ? { ...manifest.description, retainUntil: promised } : manifest.description;
      if (!sameDescription(compared, head.description))
        this.#report(25, 'describes the session otherwise than head.json', name);
      if (best === undefined || manifest.chunks.length > best.manifest.chunks.length) best = { ...parsed, name };
    }
    return best;
  }

  /** Whether the cluster's signature holds. An unknown signer is another finding than an altered text. */
  #holds(document: SignedDocument, object: string): boolean {
    const signature = clusterSignature(document);
    const key = signature && this.#context.options.trust.get(signature.keyId);
    if (signature === undefined || key === undefined) {
      this.#report(
        22,
        signature === undefined
          ? 'has no signature of the recording key'
          : `is signed by ${signature.keyId}, which the trust file does not know`,
        object,
      );
      return false;
    }
    if (this.#context.options.crypto.verifyEd25519(key.publicKey, signedBytes(document.body), signature.signature))
      return true;
    this.#report(25, `was altered: the signature of ${signature.keyId} does not hold`, object);
    return false;
  }
}

function untilText(retainUntil: number | undefined): string {
  return retainUntil === undefined ? 'for no time' : `until ${timeText(retainUntil)}`;
}
