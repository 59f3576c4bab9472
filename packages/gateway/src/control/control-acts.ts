import { open, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditLog } from '@enchilada/core/audit';
import { Fault } from '@enchilada/core/fault';
import type { Recovery } from '../auth/recovery.ts';
import type { ControlActs } from './control-folder.ts';

/** How the embedded database is copied while it works. */
export interface DatabaseCopy {
  /** Relative to the data folder. */
  readonly file: string;
  copyTo(path: string): Promise<void>;
}

export interface ControlActParts {
  readonly dataDir: string;
  readonly url: string;
  readonly recovery: Recovery;
  readonly audit: AuditLog;
  /** Absent where the database is another server's: its own tools copy it. */
  readonly database: DatabaseCopy | undefined;
}

/** What changes while a gateway runs and means nothing in a copy. */
const LEFT = ['journal', 'spool'];
/** The recorder would end strict sessions when a copy takes its last room. */
const ROOM_KEPT_BYTES = 512 * 1024 * 1024;

/** What the command line may ask of the running gateway. */
export function createControlActs({ dataDir, url, recovery, audit, database }: ControlActParts): ControlActs {
  let copying = false;

  async function copy(path: string, from: DatabaseCopy): Promise<number> {
    if (copying) throw new Fault('CONFLICT', 'another backup is copying the database; try again when it is done');
    copying = true;
    try {
      await requireRoom(join(dataDir, from.file), dataDir);
      // Made here, so that it never has another mode.
      await (await open(path, 'wx', 0o600)).close();
      await from.copyTo(path);
      return (await stat(path)).size;
    } catch (cause) {
      await rm(path, { force: true });
      throw cause;
    } finally {
      copying = false;
    }
  }

  return {
    async recoverUser({ username, enable, resetFactors, claimedBy }) {
      const { token, expiresAt } = await recovery.issue({ username, enable, resetFactors, claimedBy });
      return { link: `${url}/recover#${token}`, expiresAt };
    },

    async copyDatabase({ keys, claimedBy }, file) {
      const bytes = database === undefined ? 0 : await copy(join(dataDir, file), database);
      await audit.append({
        action: 'backup.created',
        actor: { kind: 'system', name: 'control folder' },
        outcome: 'success',
        reason: 'a backup of the running gateway was asked for on its machine',
        detail: {
          keys,
          database: database === undefined ? 'external' : 'copied',
          bytes,
          ...(claimedBy === undefined ? {} : { claimedBy }),
        },
      });
      if (database === undefined) return { replace: {}, leave: LEFT, external: true };
      return {
        replace: { [database.file]: file },
        leave: [`${database.file}-wal`, `${database.file}-shm`, ...LEFT],
        external: false,
      };
    },
  };
}

async function requireRoom(source: string, folder: string): Promise<void> {
  const [{ size }, { bavail, bsize }] = await Promise.all([stat(source), statfs(folder)]);
  if (bavail * bsize < size + ROOM_KEPT_BYTES)
    throw new Fault(
      'RECORDING_STORE_FULL',
      `copying the database needs ${Math.ceil((size + ROOM_KEPT_BYTES) / 1024 ** 2)} MiB free in ${folder}; make room and try again`,
    );
}
