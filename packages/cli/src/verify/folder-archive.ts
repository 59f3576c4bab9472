import { closeSync, createReadStream, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { isRecordingId, MAX_CHUNK_BYTES, parseHead, parseObjectName } from '@enchilada/core/recording';
import type { ArchiveSource, RecordingSource, StoredObject } from '@enchilada/core/recording';

const MAX_DEPTH = 8;

export interface FolderArchiveOptions {
  /** A recording's folder, or one that holds recordings at some depth. */
  readonly folder: string;
  readonly checkpoints: string | undefined;
  readonly audit: string | undefined;
}

/** Recordings in folders, read one file at a time into one buffer. Symbolic links are not followed. */
export class FolderArchive implements ArchiveSource {
  /** Set where the folder is one recording. */
  readonly only: string | undefined;
  readonly checkpoints: ArchiveSource['checkpoints'];
  readonly audit: ArchiveSource['audit'];
  readonly #folder: string;
  readonly #buffer = Buffer.allocUnsafeSlow(MAX_CHUNK_BYTES);

  constructor(options: FolderArchiveOptions) {
    const { folder, checkpoints, audit } = options;
    this.#folder = folder;
    this.only = holdsRecording(folder) ? recordingIdOf(folder) : undefined;
    this.checkpoints = checkpoints === undefined ? undefined : () => checkpointFiles(checkpoints);
    this.audit =
      audit === undefined ? undefined : () => createInterface({ input: createReadStream(audit), crlfDelay: Infinity });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous, for buckets
  async *recordings(): AsyncGenerator<RecordingSource> {
    if (this.only !== undefined) {
      yield this.#recording(this.#folder, this.only);
      return;
    }
    for (const folder of findRecordings(this.#folder, 0)) yield this.#recording(folder, basename(folder));
  }

  #recording(folder: string, id: string): RecordingSource {
    const objects: StoredObject[] = [];
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      objects.push({
        name: entry.name,
        size: entry.isFile() ? statSync(join(folder, entry.name)).size : Number.POSITIVE_INFINITY,
      });
    }
    return { id, objects, read: (name) => this.#read(join(folder, name)) };
  }

  #read(path: string): Uint8Array {
    const file = openSync(path, 'r');
    try {
      const { size } = statSync(path);
      const target = size <= this.#buffer.length ? this.#buffer : Buffer.allocUnsafeSlow(size);
      let at = 0;
      while (at < size) {
        const count = readSync(file, target, at, size - at, null);
        if (count === 0) break;
        at += count;
      }
      return target.subarray(0, at);
    } finally {
      closeSync(file);
    }
  }
}

function holdsRecording(folder: string): boolean {
  return readdirSync(folder).some((name) => parseObjectName(name) !== undefined);
}

/** A download may lie in a folder of any name; then head.json says whose it is, and the signatures whether that is true. */
function recordingIdOf(folder: string): string {
  const name = basename(folder);
  if (isRecordingId(name)) return name;
  try {
    return parseHead(readFileSync(join(folder, 'head.json')))?.head.recording ?? name;
  } catch {
    return name;
  }
}

function* findRecordings(folder: string, depth: number): Generator<string> {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    if (isRecordingId(entry.name)) yield path;
    else if (depth < MAX_DEPTH) yield* findRecordings(path, depth + 1);
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous, for buckets
async function* checkpointFiles(folder: string): AsyncGenerator<{ name: string; bytes: Uint8Array }> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
  for (const name of names.sort()) yield { name, bytes: readFileSync(join(folder, name)) };
}
