import { constants } from 'node:fs';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { Fault } from '@enchilada/core/fault';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Platforms without accounts have no owner to compare. */
const OWN_UID = process.geteuid?.();

/**
 * A folder that only this account can write, or none: a link, another owner or open modes mean that somebody else may be speaking here.
 * @throws Fault CONFIGURATION_INVALID, with what to do
 */
export async function openPrivateFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  const problem = await folderProblem(path);
  if (problem !== undefined)
    throw new Fault('CONFIGURATION_INVALID', `${path} ${problem}; remove it, and find out who made it so`);
}

export async function folderProblem(path: string): Promise<string | undefined> {
  const found = await lstat(path);
  if (!found.isDirectory()) return 'is no folder of its own';
  if (OWN_UID !== undefined && found.uid !== OWN_UID)
    return `belongs to account ${found.uid} and not to the gateway's, ${OWN_UID}`;
  if ((found.mode & 0o077) !== 0) return `has mode ${(found.mode & 0o777).toString(8)}, it must be 700`;
  return undefined;
}

/**
 * The text of a request, judged on the open file and not on its name, so that nothing can be put in its place meanwhile.
 * @throws Error saying what is wrong with the file
 */
export async function readOwnFile(path: string, maximumBytes: number): Promise<string> {
  // Without O_NONBLOCK, opening a pipe would wait for ever.
  await using file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const found = await file.stat();
  if (!found.isFile()) throw new Error('it is no regular file');
  if (OWN_UID !== undefined && found.uid !== OWN_UID) throw new Error(`it belongs to account ${found.uid}`);
  if (found.nlink !== 1) throw new Error('it has a second name');
  if ((found.mode & 0o077) !== 0) throw new Error(`it has mode ${(found.mode & 0o777).toString(8)}, not 600`);
  if (found.size > maximumBytes) throw new Error(`it has ${found.size} bytes, more than ${maximumBytes}`);
  return await file.readFile('utf8');
}

/** Whole under its name or not at all, mode 0600, never through what lies there already. */
export async function writeOwnFile(path: string, text: string): Promise<void> {
  const pending = `${path}.new`;
  await rm(pending, { force: true });
  {
    await using file = await open(pending, 'wx', 0o600);
    await file.writeFile(text);
  }
  await rename(pending, path);
}
