import { execFile } from 'node:child_process';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CONTROL_FOLDER, runningGateway } from '../control/gateway-process.ts';
import { isMissing } from '../login/private-file.ts';
import { type Check, ok, warn, fail } from './check.ts';

const run = promisify(execFile);
const STALE_MS = 5 * 60_000;

/** What `user recover` and the backup of a running gateway go through; nothing to say before the first start. */
export async function checkControlFolder(dataDir: string): Promise<readonly Check[]> {
  const name = 'control folder';
  const path = join(dataDir, CONTROL_FOLDER);
  try {
    const [found, owner] = await Promise.all([lstat(path), lstat(dataDir)]);
    const remove = `stop the gateway, find out who made it so, and remove it: the next start makes ${path} anew`;
    if (!found.isDirectory()) return [fail(name, `${path} is no folder of its own; the gateway refuses it`, remove)];
    if (!owner.isSymbolicLink() && found.uid !== owner.uid)
      return [
        fail(
          name,
          `${path} belongs to account ${found.uid}, the data folder to ${owner.uid}`,
          `always start the gateway as the same account; ${remove}`,
        ),
      ];
    if ((found.mode & 0o077) !== 0)
      return [fail(name, `${path} has mode ${(found.mode & 0o777).toString(8)}; the gateway refuses it`, remove)];
    const waiting = await oldRequests(path);
    if (waiting > 0 && (await runningGateway(dataDir)) !== undefined)
      return [warn(name, `${waiting} requests wait for an answer`, 'the gateway does not listen there: see its log')];
    return [ok(name, `${path}, mode 700`)];
  } catch (error) {
    if (isMissing(error)) return [];
    return [fail(name, `${path} cannot be examined`, 'run doctor as the account of the gateway, or as root')];
  }
}

async function oldRequests(path: string): Promise<number> {
  const names = (await readdir(path)).filter((name) => name.endsWith('.request.json'));
  const ages = await Promise.all(
    names.map((name) =>
      lstat(join(path, name)).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      ),
    ),
  );
  return ages.filter((age) => age > STALE_MS).length;
}

/** Kernel settings that keep an ordinary account from making namespaces, and the value that does so. */
const FORBIDDEN_BY = [
  ['kernel.apparmor_restrict_unprivileged_userns', '1'],
  ['kernel.unprivileged_userns_clone', '0'],
  ['user.max_user_namespaces', '0'],
] as const;

/** Whether the machine for trying things out can have a real shell: namespaces, tried as this account. */
export async function checkTryIt(): Promise<Check> {
  const name = 'throw-away machine';
  const flags = ['--user', '--map-current-user', '--keep-caps', '--mount', '--pid', '--net', '--fork'];
  try {
    await run('unshare', [...flags, 'mount', '-t', 'tmpfs', 'none', '/tmp'], { timeout: 10_000 });
    return ok(name, 'its shell can be locked in by namespaces');
  } catch {
    const settings = await Promise.all(
      FORBIDDEN_BY.map(async ([key, value]) => {
        const found = await readFile(`/proc/sys/${key.replaceAll('.', '/')}`, 'utf8').catch(() => '');
        return found.trim() === value ? `${key} is ${value}` : undefined;
      }),
    );
    const why = settings.filter((setting) => setting !== undefined).join(', ');
    return warn(
      name,
      `this account may make no namespaces${why === '' ? '' : ` (${why})`}`,
      'nothing, where real machines are used; else its shell is imitated, or that of nobody where the gateway is root',
    );
  }
}
