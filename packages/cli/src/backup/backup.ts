import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { CommandFailure } from '../frame/exit-code.ts';
import { asGateway } from '../control/as-owner.ts';
import { CONTROL_FOLDER, lockHolder } from '../control/gateway-process.ts';
import { isMissing } from '../login/private-file.ts';
import { type BackupManifest, isKeyPath, MANIFEST_PATH } from './backup-manifest.ts';
import { padding, TAR_END, tarHeader } from './tar-writer.ts';

/** What a running gateway answered: consistent copies that stand for files, and what is not to be copied while it runs. */
export interface LiveCopy {
  readonly replace: Readonly<Record<string, string>>;
  readonly leave: readonly string[];
}

export interface BackupPlan {
  readonly dataDir: string;
  readonly to: string;
  readonly keys: 'included' | 'left-out';
  readonly live: LiveCopy | undefined;
  readonly now: number;
}

export interface BackupResult {
  readonly manifest: BackupManifest;
  readonly bytes: number;
  /** Links and other things that are no files, not followed. */
  readonly skipped: readonly string[];
}

const PIECE_BYTES = 1024 * 1024;
/** What means nothing in a copy: the lock of a folder that a process holds, the one-time link of a first start. */
const LOCK_NAME = 'lock';
const PASSING_NAMES = [LOCK_NAME, 'bootstrap-link'];

async function* filesBelow(folder: string): AsyncGenerator<{ readonly path: string; readonly kind: 'file' | 'other' }> {
  const found = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for (const entry of found.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield { path, kind: entry.isFile() ? 'file' : 'other' };
  }
}

class Archive {
  readonly #file: FileHandle;
  readonly files: BackupManifest['files'][number][] = [];
  readonly #copied: {
    readonly source: string;
    readonly path: string;
    readonly size: number;
    readonly mtimeMs: number;
  }[] = [];
  bytes = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#file.writeFile(bytes);
    this.bytes += bytes.length;
  }

  /** @throws CommandFailure when the file changes under the copy */
  async addFile(source: string, path: string): Promise<void> {
    await using file = await open(source, 'r');
    const before = await file.stat();
    const sum = createHash('sha256');
    await this.write(tarHeader({ path, bytes: before.size, mode: 0o600, modifiedAt: before.mtimeMs }));
    const piece = Buffer.alloc(PIECE_BYTES);
    for (let at = 0; at < before.size;) {
      const { bytesRead } = await file.read(piece, 0, Math.min(PIECE_BYTES, before.size - at), at);
      if (bytesRead === 0) break;
      sum.update(piece.subarray(0, bytesRead));
      await this.write(piece.subarray(0, bytesRead));
      at += bytesRead;
    }
    await this.write(padding(before.size));
    this.#copied.push({ source, path, size: before.size, mtimeMs: before.mtimeMs });
    await this.#expectSame(this.#copied.slice(-1));
    this.files.push({ path, bytes: before.size, sha256: sum.digest('hex') });
  }

  /** A database is several files: they belong together only if none of them changed while the others were copied. @throws CommandFailure */
  async expectStillness(): Promise<void> {
    await this.#expectSame(this.#copied);
  }

  async #expectSame(
    files: readonly {
      readonly source: string;
      readonly path: string;
      readonly size: number;
      readonly mtimeMs: number;
    }[],
  ): Promise<void> {
    for (const { source, path, size, mtimeMs } of files) {
      const now = await lstat(source).catch(() => undefined);
      if (now?.size !== size || now.mtimeMs !== mtimeMs)
        throw new CommandFailure(1, `${path} changed while it was copied: stop what writes to the data folder first`);
    }
  }

  async finish(manifest: BackupManifest): Promise<void> {
    const text = Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`);
    await this.write(
      tarHeader({ path: MANIFEST_PATH, bytes: text.length, mode: 0o600, modifiedAt: manifest.createdAt }),
    );
    await this.write(text);
    await this.write(padding(text.length));
    await this.write(TAR_END);
    await this.#file.sync();
  }
}

/** Copies the data folder into one archive of mode 0600, which is under its name only when it is whole. */
export async function backUp(plan: BackupPlan): Promise<BackupResult> {
  const { dataDir, live } = plan;
  const to = resolve(plan.to);
  if (!relative(resolve(dataDir), to).startsWith('..'))
    throw new CommandFailure(2, `${plan.to} lies inside the data folder; a backup belongs elsewhere`);
  if (
    await lstat(to).then(
      () => true,
      () => false,
    )
  )
    throw new CommandFailure(1, `${plan.to} exists already and is not overwritten`);
  const partial = `${to}.${randomUUID()}.part`;
  try {
    await using file = await open(partial, 'wx', 0o600);
    const archive = new Archive(file);
    const skipped: string[] = [];
    const missingKeys: string[] = [];
    await asGateway(dataDir, async () => {
      for await (const { path: source, kind } of filesBelow(dataDir)) {
        const path = relative(dataDir, source);
        const holder = live === undefined && basename(path) === LOCK_NAME ? await lockHolder(source) : undefined;
        if (holder !== undefined)
          throw new CommandFailure(1, `process ${holder} is working in ${dirname(source)}: stop it first`);
        const isLeft =
          live?.leave.some((prefix) => path === prefix || path.startsWith(`${prefix.replace(/\/$/u, '')}/`)) === true;
        if (path.startsWith(`${CONTROL_FOLDER}/`) || PASSING_NAMES.includes(basename(path)) || isLeft) continue;
        if (kind === 'other') skipped.push(path);
        else if (isKeyPath(path) && plan.keys === 'left-out') missingKeys.push(path);
        else await addPresent(archive, join(dataDir, live?.replace[path] ?? path), path);
      }
      if (live === undefined) await archive.expectStillness();
    });
    const gateway = live === undefined ? 'stopped' : 'running';
    const manifest: BackupManifest = {
      format: 'enchilada-backup',
      version: 1,
      createdAt: plan.now,
      gateway,
      files: archive.files,
      missingKeys,
    };
    await archive.finish(manifest);
    await rename(partial, to);
    return { manifest, bytes: archive.bytes, skipped };
  } finally {
    await rm(partial, { force: true });
  }
}

/** Retention may remove a recording between listing and copying it. */
async function addPresent(archive: Archive, source: string, path: string): Promise<void> {
  const isThere = await lstat(source).then(
    () => true,
    (error: unknown) => !isMissing(error),
  );
  if (isThere) await archive.addFile(source, path);
}
