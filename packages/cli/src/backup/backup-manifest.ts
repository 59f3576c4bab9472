import { CommandFailure } from '../frame/exit-code.ts';

/** The last member of a backup: what it holds, and what it left out on purpose. */
export interface BackupManifest {
  readonly format: 'enchilada-backup';
  readonly version: 1;
  readonly createdAt: number;
  /** Whether a gateway was running on the folder. */
  readonly gateway: 'stopped' | 'running';
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  /** Key files that a restore needs from elsewhere. */
  readonly missingKeys: readonly string[];
}

export const MANIFEST_PATH = 'backup.json';

/** Keys: the folder that holds them, and whatever is named like one. */
export function isKeyPath(path: string): boolean {
  return path.startsWith('keys/') || /\.(?:key|pem)$/iu.test(path);
}

/** A path that stays inside the folder it is unpacked to. */
export function isInside(path: string): boolean {
  return (
    path !== '' &&
    !path.includes('\0') &&
    !path.includes('\\') &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/** @throws CommandFailure */
export function parseManifest(text: string): BackupManifest {
  let value: Partial<BackupManifest>;
  try {
    value = JSON.parse(text) as Partial<BackupManifest>;
  } catch (cause) {
    throw new CommandFailure(1, `${MANIFEST_PATH} in the archive cannot be read`, { cause });
  }
  if (value.format !== 'enchilada-backup' || value.version !== 1)
    throw new CommandFailure(
      1,
      `${MANIFEST_PATH} is of an unknown format or version, received ${JSON.stringify([value.format, value.version])}`,
    );
  const { files, missingKeys, createdAt, gateway } = value;
  if (!Array.isArray(files) || !Array.isArray(missingKeys) || typeof createdAt !== 'number' || gateway === undefined)
    throw new CommandFailure(1, `${MANIFEST_PATH} in the archive is not complete`);
  return value as BackupManifest;
}
