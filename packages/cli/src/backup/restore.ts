import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { asOwnerOfPlace } from '../control/as-owner.ts';
import { CommandFailure } from '../frame/exit-code.ts';
import { isMissing } from '../login/private-file.ts';
import { type BackupManifest, isInside, MANIFEST_PATH, parseManifest } from './backup-manifest.ts';
import { readTar, type TarEntry } from './tar-reader.ts';

export interface RestorePlan {
  readonly from: string;
  readonly dataDir: string;
  /** A folder with the key files that the backup left out. */
  readonly keysFrom: string | undefined;
}

export interface RestoreResult {
  readonly manifest: BackupManifest;
  /** Key files that are still to be put back before the gateway starts. */
  readonly missingKeys: readonly string[];
}

const LARGEST_MANIFEST = 256 * 1024 * 1024;
const LARGEST_KEY = 64 * 1024;

/** Unpacks beside the data folder, compares every file with the manifest, and only then gives the folder its name. */
export async function restore(plan: RestorePlan): Promise<RestoreResult> {
  const target = resolve(plan.dataDir);
  // Archive and keys are read with the rights of whoever runs this; the folder is made with those of the account that owns its place.
  await using archive = await open(plan.from, 'r');
  const keys = await readKeys(plan.keysFrom);
  return await asOwnerOfPlace(target, () => restoreTo(target, { ...plan, archive, keys }));
}

interface OpenedPlan extends RestorePlan {
  readonly archive: FileHandle;
  readonly keys: ReadonlyMap<string, Buffer>;
}

async function restoreTo(target: string, plan: OpenedPlan): Promise<RestoreResult> {
  const present = await readdir(target).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (present !== undefined && present.length > 0)
    throw new CommandFailure(1, `${plan.dataDir} is not empty; a restore goes into a new folder`);
  const staging = `${target}.${randomUUID()}.restoring`;
  try {
    await mkdir(staging, { recursive: true, mode: 0o700 });
    const manifest = await unpack(plan.archive, staging);
    const missingKeys: string[] = [];
    for (const path of manifest.missingKeys) if (!(await putKey(path, staging, plan.keys))) missingKeys.push(path);
    if (present !== undefined) await rmdir(target);
    await rename(staging, target);
    return { manifest, missingKeys };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function unpack(archive: FileHandle, staging: string): Promise<BackupManifest> {
  const sums = new Map<string, string>();
  let manifest: BackupManifest | undefined;
  for await (const entry of readTar(archive)) {
    if (entry.path === MANIFEST_PATH) manifest = parseManifest(await textOf(entry));
    else if (!isInside(entry.path))
      throw new CommandFailure(
        1,
        `the archive holds ${JSON.stringify(entry.path)}, which leads out of the data folder`,
      );
    else if (sums.has(entry.path)) throw new CommandFailure(1, `the archive holds ${JSON.stringify(entry.path)} twice`);
    else sums.set(entry.path, await writeEntry(entry, join(staging, entry.path)));
  }
  if (manifest === undefined)
    throw new CommandFailure(1, `the archive holds no ${MANIFEST_PATH}; it is no backup, or it was cut`);
  for (const { path, sha256 } of manifest.files) {
    if (sums.get(path) !== sha256)
      throw new CommandFailure(1, `${path} is ${sums.has(path) ? 'altered' : 'missing'} in the archive`);
    sums.delete(path);
  }
  const [extra] = sums.keys();
  if (extra !== undefined)
    throw new CommandFailure(1, `the archive holds ${JSON.stringify(extra)}, which its manifest does not name`);
  return manifest;
}

async function textOf(entry: TarEntry): Promise<string> {
  if (entry.bytes > LARGEST_MANIFEST) throw new CommandFailure(1, `${MANIFEST_PATH} is too large`);
  const pieces: Buffer[] = [];
  for await (const piece of entry.content()) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

async function writeEntry(entry: TarEntry, path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const sum = createHash('sha256');
  await using file = await open(path, 'wx', 0o600);
  for await (const piece of entry.content()) {
    sum.update(piece);
    await file.writeFile(piece);
  }
  await file.sync();
  return sum.digest('hex');
}

/** The files of the folder by their names. */
async function readKeys(folder: string | undefined): Promise<ReadonlyMap<string, Buffer>> {
  const keys = new Map<string, Buffer>();
  for (const name of folder === undefined ? [] : await readdir(folder)) {
    const path = join(folder ?? '', name);
    const found = await stat(path);
    if (found.isFile() && found.size <= LARGEST_KEY) keys.set(name, await readFile(path));
  }
  return keys;
}

/** False where the key is not at hand. */
async function putKey(path: string, staging: string, keys: ReadonlyMap<string, Buffer>): Promise<boolean> {
  const key = keys.get(basename(path));
  if (key === undefined || !isInside(path)) return false;
  const to = join(staging, path);
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await writeFile(to, key, { mode: 0o600, flag: 'wx' });
  return true;
}
