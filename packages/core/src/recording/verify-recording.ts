import { sameBytes, toHex } from './bytes.ts';
import { FLAG, MAX_CHUNK_BYTES, parseChunk, signedChunkDigest } from './chunk.ts';
import type { Chunk } from './chunk.ts';
import type { RecordingHead, RecoveredHead } from './head.ts';
import { chunkName, HEAD_NAME, parseObjectName, recordingIdBytes, recoveredManifestName } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { merkleRoot } from './merkle.ts';
import { signedBytes } from './signed-document.ts';
import { MAX_DOCUMENT_BYTES, readDocuments } from './verify-documents.ts';
import type { Evidence, RecordingSource, VerifyOptions } from './verify-documents.ts';
import { worstCode } from './verify-report.ts';
import type { VerifyCode, VerifyFinding, VerifyReport } from './verify-report.ts';

/**
 * Verifies one recording, chunk by chunk, without any decryption key. Memory: one chunk, and the digests.
 * A document counts as evidence only once its signature holds; a chunk's key is the one the chain before it announced, never one the chunk names.
 */
export async function verifyRecording(source: RecordingSource, options: VerifyOptions): Promise<VerifyReport> {
  return new RecordingVerifier(source, options).run();
}

interface Walked {
  readonly digest: Uint8Array;
  readonly authentic: boolean;
}

class RecordingVerifier {
  readonly #source: RecordingSource;
  readonly #options: VerifyOptions;
  readonly #findings: VerifyFinding[] = [];
  readonly #keys = new Map<number, Uint8Array>();
  #recovered: readonly RecoveredHead[] = [];
  readonly #walked = new Map<number, Walked>();
  readonly #sizes: ReadonlyMap<string, number>;
  #headDigest: Uint8Array | undefined;
  #lostKeys = false;
  // What is kept is copied by Uint8Array.from: slice() of a Buffer is a view of the buffer that the next read fills.
  /** Keys that chunks announce, authentic or not: good only for saying who signed what should not be. */
  readonly #announced: Uint8Array[] = [];
  readonly #suspects: { readonly finding: number; readonly message: Uint8Array; readonly signature: Uint8Array }[] = [];
  #bytes = 0;
  #lastUs = 0;

  constructor(source: RecordingSource, options: VerifyOptions) {
    this.#source = source;
    this.#options = options;
    this.#sizes = new Map(source.objects.map(({ name, size }) => [name, size]));
  }

  async run(): Promise<VerifyReport> {
    const documents = await readDocuments(this.#source, {
      ...{ options: this.#options, findings: this.#findings },
      read: (name) => this.#read(name, MAX_DOCUMENT_BYTES),
    });
    if (documents !== undefined) {
      const { head, evidence } = documents;
      this.#headDigest = documents.headDigest;
      this.#recovered = documents.recovered;
      this.#keys.set(0, head.epochKey);
      const manifest = evidence?.manifest;
      for (const { epoch, key } of manifest?.epochKeys ?? []) this.#keys.set(epoch, key);
      const numbers = this.#chunkNumbers();
      await this.#walk({ head, manifest, numbers });
      this.#resolveSuspects();
      if (evidence === undefined)
        this.#report(10, 'there is no manifest: the recording is live, or its node died and has not come back');
      else this.#checkEnd(evidence);
      this.#checkCheckpoints();
    }
    const code = worstCode(this.#findings.map((finding) => finding.code));
    return {
      recording: this.#source.id,
      code,
      findings: this.#findings,
      chunks: this.#walked.size,
      bytes: this.#bytes,
      durationUs: this.#lastUs,
    };
  }

  #report(code: VerifyCode, message: string, where: Pick<VerifyFinding, 'chunks' | 'object' | 'timeUs'> = {}): void {
    this.#findings.push({ code, message, ...where });
  }

  async #read(name: string, limit: number): Promise<Uint8Array | undefined> {
    const size = this.#sizes.get(name);
    if (size === undefined || size > limit) return undefined;
    this.#bytes += size;
    return this.#source.read(name);
  }

  #chunkNumbers(): ReadonlySet<number> {
    const numbers = new Set<number>();
    for (const { name } of this.#source.objects) {
      const object = parseObjectName(name);
      if (object?.kind === 'chunk') numbers.add(object.seq);
      else if (object === undefined)
        this.#report(name.endsWith('.brc') ? 21 : 25, 'is an object that no recorder writes', { object: name });
    }
    return numbers;
  }

  async #walk(context: {
    head: RecordingHead;
    manifest: Manifest | undefined;
    numbers: ReadonlySet<number>;
  }): Promise<void> {
    const { manifest, numbers } = context;
    const listed = manifest?.chunks.length ?? 0;
    const last = [...numbers].reduce((a, b) => Math.max(a, b), listed);
    const positions = new Map(manifest?.chunks.map((chunk, index) => [toHex(chunk.hash), index + 1]));
    const walk: WalkState = {
      ...context,
      last,
      positions,
      sid: recordingIdBytes(this.#source.id),
      previous: this.#headDigest,
      epoch: 0,
      epochEnded: false,
      chained: true,
    };
    let contentHead: RecordingHead | RecoveredHead | undefined;
    for (let seq = 1; seq <= last; seq++) {
      if (!numbers.has(seq)) {
        seq = this.#missing(seq, walk);
        continue;
      }
      const bytes = await this.#read(chunkName(seq), MAX_CHUNK_BYTES);
      const chunk = this.#chunk(seq, bytes, walk);
      const { content } = this.#options;
      if (chunk === undefined || content === undefined) continue;
      const wanted =
        (chunk.header.flags & FLAG.recovered) === 0 ? context.head : this.#recoveredHead(chunk.header.epoch, seq);
      if (wanted !== undefined && wanted !== contentHead) {
        // `read` may reuse its buffer while the key is unwrapped.
        const finding = await content.begin(this.#source.id, wanted);
        contentHead = wanted;
        if (finding !== undefined) this.#findings.push(finding);
      }
      const again = parseChunk(await this.#source.read(chunkName(seq)));
      const finding = typeof again === 'string' ? undefined : content.check(again);
      if (finding !== undefined)
        this.#findings.push({ chunks: [seq, seq], timeUs: [chunk.header.firstUs, chunk.header.lastUs], ...finding });
    }
  }

  /** Reports a run of absent chunks at once, and returns its last number. */
  #missing(first: number, walk: WalkState): number {
    const listed = walk.manifest?.chunks ?? [];
    let last = first;
    while (last < walk.last && !walk.numbers.has(last + 1)) last++;
    const [from, to] = [listed[first - 1]?.fromUs, listed[last - 1]?.toUs];
    this.#report(21, 'missing', {
      chunks: [first, last],
      ...(from !== undefined && to !== undefined && { timeUs: [from, to] }),
    });
    walk.previous = listed[last - 1]?.hash;
    this.#keyLost(walk);
    return last;
  }

  #chunk(seq: number, bytes: Uint8Array | undefined, walk: WalkState): Chunk | undefined {
    const listed = walk.manifest?.chunks[seq - 1];
    const where: Pick<VerifyFinding, 'chunks' | 'timeUs'> = {
      chunks: [seq, seq],
      ...(listed && { timeUs: [listed.fromUs, listed.toUs] }),
    };
    const bad = (code: VerifyCode, message: string): undefined => {
      this.#report(code, message, where);
      walk.previous = listed?.hash;
      this.#keyLost(walk);
      return undefined;
    };
    if (bytes === undefined) return bad(20, `larger than ${MAX_CHUNK_BYTES} bytes`);
    const parsed = parseChunk(bytes);
    const signedLength = Math.max(0, bytes.length - 64);
    const digest = this.#options.crypto.sha256(bytes.subarray(0, signedLength));
    this.#walked.set(seq, { digest, authentic: false });
    const fits = listed !== undefined && sameBytes(listed.hash, digest);
    const position = walk.positions.get(toHex(digest));
    if (!fits && position !== undefined) return bad(21, `holds chunk ${position}`);
    if (typeof parsed === 'string') return bad(20, `is no chunk: ${parsed}`);
    if (parsed.header.nextPublicKey !== undefined) this.#announced.push(Uint8Array.from(parsed.header.nextPublicKey));
    const signer = this.#signerOf(parsed, digest, seq);
    if (signer === 'other')
      return bad(22, `is signed by the key of another epoch than its own, ${parsed.header.epoch}`);
    if (walk.manifest !== undefined && listed === undefined) return bad(21, 'is more than the manifest lists');
    if (listed !== undefined && !fits) return bad(20, 'differs from what the manifest lists');
    if (signer === 'none' && fits) return bad(22, 'is what the manifest lists, but not signed by the key of its epoch');
    if (signer === 'none') {
      const suspect = { finding: this.#findings.length, message: signedChunkDigest(digest) };
      this.#suspects.push({ ...suspect, signature: Uint8Array.from(parsed.signature) });
      return bad(20, 'its signature does not hold');
    }
    const order = this.#orderProblem(parsed, seq, walk);
    if (order !== undefined) return bad(order.code, order.message);
    if (signer === 'unknown') this.#report(22, 'the key of its epoch is lost with an earlier chunk', where);
    const { header } = parsed;
    this.#walked.set(seq, { digest, authentic: true });
    this.#lastUs = Math.max(this.#lastUs, header.lastUs);
    walk.previous = digest;
    walk.epoch = header.epoch;
    walk.epochEnded = header.nextPublicKey !== undefined;
    walk.chained = true;
    if (header.nextPublicKey !== undefined && signer === 'own')
      this.#keys.set(header.epoch + 1, Uint8Array.from(header.nextPublicKey));
    return parsed;
  }

  /** `own`: the key that this chunk must have signed it. `other`: another key of this recording did. */
  #signerOf(chunk: Chunk, digest: Uint8Array, seq: number): 'own' | 'other' | 'none' | 'unknown' {
    const { crypto } = this.#options;
    const message = signedChunkDigest(digest);
    const { epoch, flags } = chunk.header;
    const own = (flags & FLAG.recovered) === 0 ? this.#keys.get(epoch) : this.#recoveredHead(epoch, seq)?.epochKey;
    if (own !== undefined && crypto.verifyEd25519(own, message, chunk.signature)) return 'own';
    const others = [...this.#keys.values(), ...this.#recovered.map((head) => head.epochKey)];
    if (others.some((key) => crypto.verifyEd25519(key, message, chunk.signature))) return 'other';
    return own === undefined && this.#lostKeys ? 'unknown' : 'none';
  }

  /** After a chunk that does not count, the next epoch's key may be unknown, unless the manifest names it. */
  #keyLost(walk: WalkState): void {
    if (walk.manifest === undefined) this.#lostKeys = true;
    walk.epochEnded = true;
    walk.chained = false;
  }

  #recoveredHead(epoch: number, seq: number): RecoveredHead | undefined {
    return this.#recovered.find((head) => head.epoch === epoch && head.firstSeq <= seq);
  }

  #orderProblem(chunk: Chunk, seq: number, walk: WalkState): { code: VerifyCode; message: string } | undefined {
    const { header } = chunk;
    if (!sameBytes(header.sid, walk.sid)) return { code: 20, message: 'belongs to another recording' };
    if (header.seq !== seq) return { code: 21, message: `is numbered ${header.seq}` };
    if (walk.previous !== undefined && !sameBytes(header.prev, walk.previous))
      return { code: 21, message: 'does not follow the chunk before it' };
    if (header.epoch < walk.epoch)
      return { code: 22, message: `goes back from epoch ${walk.epoch} to ${header.epoch}` };
    const recovered = (header.flags & FLAG.recovered) !== 0;
    if (header.epoch > walk.epoch && !walk.epochEnded && !recovered)
      return { code: 22, message: `epoch ${header.epoch} was not announced` };
    if (header.epoch === walk.epoch && walk.epochEnded && walk.chained)
      return { code: 22, message: `epoch ${header.epoch} had ended` };
    return undefined;
  }

  #checkEnd({ manifest, document, epochSignature, name }: Evidence): void {
    const { crypto } = this.#options;
    const hashes = manifest.chunks.map((chunk) => chunk.hash);
    if (!sameBytes(merkleRoot(hashes, crypto.sha256), manifest.merkleRoot))
      this.#report(25, 'the Merkle root is not that of the listed chunks', { object: name });
    const recovery = this.#recovered.find((head) => recoveredManifestName(head.epoch) === name);
    const lastKey = recovery?.epochKey ?? manifest.epochKeys.at(-1)?.key;
    if (lastKey === undefined || !crypto.verifyEd25519(lastKey, signedBytes(document.body), epochSignature)) {
      this.#report(22, 'is not signed by the key of the last epoch', { object: name });
    }
    this.#lastUs = Math.max(this.#lastUs, manifest.durationUs);
    if (manifest.state !== 'COMPLETE') this.#report(10, `the manifest says ${manifest.state}: ${manifest.reason}`);
  }

  /** A chunk under a key that the recording announces later was signed again by somebody who had that key. */
  #resolveSuspects(): void {
    for (const { finding, message, signature } of this.#suspects) {
      const signer = this.#announced.find((key) => this.#options.crypto.verifyEd25519(key, message, signature));
      const found = this.#findings[finding];
      if (signer === undefined || found === undefined) continue;
      this.#findings[finding] = { ...found, code: 22, message: 'is signed by the key of another epoch than its own' };
    }
  }

  #checkCheckpoints(): void {
    const reached = Math.max(0, ...[...this.#walked].filter(([, chunk]) => chunk.authentic).map(([seq]) => seq));
    for (const { seq, hash } of this.#options.checkpoints ?? []) {
      const digest = seq === 0 ? this.#headDigest : this.#walked.get(seq)?.digest;
      if (digest === undefined)
        this.#report(23, `a checkpoint saw chunk ${seq}, the recording ends at ${reached}`, {
          chunks: [reached + 1, seq],
        });
      else if (!sameBytes(digest, hash))
        this.#report(
          20,
          'differs from what a checkpoint saw',
          seq === 0 ? { object: HEAD_NAME } : { chunks: [seq, seq] },
        );
    }
  }
}

interface WalkState {
  readonly head: RecordingHead;
  readonly manifest: Manifest | undefined;
  readonly numbers: ReadonlySet<number>;
  readonly last: number;
  readonly positions: ReadonlyMap<string, number>;
  readonly sid: Uint8Array;
  previous: Uint8Array | undefined;
  epoch: number;
  epochEnded: boolean;
  /** Whether the chunk before counts, so that what it says of its epoch is known. */
  chained: boolean;
}
