import { lstat, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CommandFailure } from '../frame/exit-code.ts';
import { isMissing } from '../login/private-file.ts';
import { CONTROL_FOLDER } from './gateway-process.ts';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Runs `work` with the rights of the account that a folder belongs to. INVARIANT: root never works in a folder that another account can change: a link
 * put there at the right moment would make root read or hand over what that account may not have.
 */
async function withRightsOf<T>({ uid, gid }: Owner, work: () => Promise<T>): Promise<T> {
  const { geteuid, seteuid, setegid, setgroups, getgroups, getegid } = process;
  if (geteuid?.() !== 0 || uid === 0 || !seteuid || !setegid || !setgroups || !getgroups || !getegid) return work();
  const own = { groups: getgroups(), gid: getegid() };
  setgroups([gid]);
  setegid(gid);
  seteuid(uid);
  try {
    return await work();
  } finally {
    seteuid(0);
    setegid(own.gid);
    setgroups(own.groups);
  }
}

/** As the account of a data folder: that of its control folder, which the gateway made, where there is one. @throws CommandFailure */
export async function asGateway<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  const control = await lstat(join(dataDir, CONTROL_FOLDER)).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw notYours(error, dataDir);
  });
  if (control?.isDirectory() === false)
    throw new CommandFailure(1, `${join(dataDir, CONTROL_FOLDER)} is no folder of its own; find out who made it so`);
  try {
    return await withRightsOf(control ?? (await stat(dataDir)), work);
  } catch (error) {
    throw notYours(error, dataDir);
  }
}

/** As the account that owns the place where a folder is to be made. */
export async function asOwnerOfPlace<T>(folder: string, work: () => Promise<T>): Promise<T> {
  for (let place = dirname(resolve(folder)); ; place = dirname(place)) {
    const owner = await stat(place).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (owner !== undefined) return withRightsOf(owner, work);
  }
}

function notYours(error: unknown, dataDir: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EACCES' || code === 'EPERM'
    ? new CommandFailure(
        1,
        `this account may not use ${dataDir}: run the command as the account of the gateway, or as root`,
        { cause: error },
      )
    : error;
}
