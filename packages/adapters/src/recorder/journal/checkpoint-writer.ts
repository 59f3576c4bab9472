import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  canonicalJson,
  checkpointBody,
  checkpointName,
  fromHex,
  parseCanonicalJson,
  signDocument,
  toHex,
} from '@enchilada/core/recording';
import type { CheckpointEntry, RecordingSigner, RecordingStore } from '@enchilada/core/recording';
import { Fault, isFault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { sha256 } from './node-crypto.ts';

const MAX_CHECKPOINT_BYTES = 64 * 1024 * 1024;

export interface CheckpointWriterOptions {
  /** Remembers the head of the chain across restarts. */
  readonly directory: string;
  /** Best another one than that of the recordings: whoever can shorten those should not reach this. */
  readonly store: RecordingStore;
  readonly signer: RecordingSigner;
  readonly clock: Clock;
  readonly node: string;
  auditHead?(): string | undefined;
}

interface Link {
  readonly name: string;
  readonly digest: string;
}

/** Chains signed statements of how far each recording has come. Writes nothing while nothing has changed. */
export class CheckpointWriter {
  readonly #options: CheckpointWriterOptions;
  readonly #path: string;
  #last: Link | undefined;
  #said = '';

  private constructor(options: CheckpointWriterOptions) {
    this.#options = options;
    this.#path = join(options.directory, 'checkpoint');
  }

  /** Finds the head of the chain. A crash may have come between noting a checkpoint and storing it, so the one before is noted too. */
  static async open(options: CheckpointWriterOptions): Promise<CheckpointWriter> {
    const writer = new CheckpointWriter(options);
    const noted = parseCanonicalJson(
      await readFile(writer.#path).catch((cause: unknown) => {
        if ((cause as { code?: string }).code === 'ENOENT') return Buffer.alloc(0);
        // INVARIANT: a chain begins anew where there was none, and not where it cannot be read.
        throw new Fault('RECORDER_FAILED', `the head of the checkpoints, ${writer.#path}, cannot be read`, { cause });
      }),
    );
    for (const candidate of [noted?.['current'], noted?.['before']]) {
      const { name, digest } = (candidate ?? {}) as Partial<Link>;
      if (typeof name !== 'string' || fromHex(digest, 32) === undefined) continue;
      const stored = await options.store.get(name, MAX_CHECKPOINT_BYTES).catch((cause: unknown) => {
        if (isFault(cause, 'RECORDING_DAMAGED')) return undefined;
        throw cause;
      });
      if (stored === undefined || sha256(stored).toString('hex') !== digest) continue;
      writer.#last = { name, digest };
      break;
    }
    return writer;
  }

  /** Resolves with whether a checkpoint was written. @throws Fault as RecordingStore.put */
  async write(entries: readonly CheckpointEntry[]): Promise<boolean> {
    const { node, clock, store, signer } = this.#options;
    const auditHead = this.#options.auditHead?.();
    const says = sha256(
      Buffer.from(entries.map((entry) => `${entry.recording}${toHex(entry.hash)}`).join(',') + (auditHead ?? '')),
    ).toString('hex');
    if (says === this.#said || (entries.length === 0 && auditHead === undefined)) return false;
    const at = clock.now();
    const previous = fromHex(this.#last?.digest, 32);
    const bytes = await signDocument(checkpointBody({ node, at, previous, auditHead, entries }), signer);
    const link: Link = { digest: sha256(bytes).toString('hex'), name: checkpointName(node, at) };
    await writeFile(
      `${this.#path}.new`,
      canonicalJson({ before: this.#last && { ...this.#last }, current: { ...link } }),
      { mode: 0o600 },
    );
    await rename(`${this.#path}.new`, this.#path);
    await store.put(link.name, bytes);
    this.#last = link;
    this.#said = says;
    return true;
  }
}
