import { X509Certificate } from 'node:crypto';
import { access, constants, readdir, readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../login/private-file.ts';
import { type Check, fail, ok, warn } from './check.ts';

const NODE_MAJOR = 24;
const DAY_MS = 86_400_000;
const MIB = 1024 ** 2;
const GIB = 1024 * MIB;
const EXPIRES_SOON_DAYS = 21;

export function checkNode(version: string): Check {
  const major = Number(/^v?(\d+)\./u.exec(version)?.[1]);
  if (major === NODE_MAJOR) return ok('node', version);
  if (major > NODE_MAJOR)
    return warn(
      'node',
      `${version}, the product is tested on ${NODE_MAJOR}`,
      `start it with npm start, which brings Node ${NODE_MAJOR}`,
    );
  return fail(
    'node',
    `${version}, older than ${NODE_MAJOR}`,
    `start it with npm start, which brings Node ${NODE_MAJOR}`,
  );
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8);
}

export async function checkDataFolder(path: string): Promise<Check> {
  try {
    const found = await stat(path);
    if (!found.isDirectory()) return fail('data folder', `${path} is no folder`, 'name a folder in dataDir');
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    if ((found.mode & 0o077) !== 0)
      return warn('data folder', `${path} has mode ${octal(found.mode)}`, `close it to others: chmod 700 ${path}`);
    return ok('data folder', `${path}, mode ${octal(found.mode)}`);
  } catch (error) {
    if (isMissing(error))
      return warn(
        'data folder',
        `${path} is not there yet`,
        'the first start makes it; if it should be there, check dataDir',
      );
    return fail(
      'data folder',
      `${path} cannot be read and written by this account`,
      'run doctor as the account of the gateway, or give that account the folder',
    );
  }
}

/** Every key file below `keys`, and that of the key-encryption key, unless a service has it. */
export async function checkKeyFiles(keyFolder: string, keyFile: string | undefined): Promise<readonly Check[]> {
  const below = await readdir(keyFolder, { withFileTypes: true }).catch((): [] => []);
  const paths = new Set([
    ...(keyFile === undefined ? [] : [keyFile]),
    ...below.filter((entry) => entry.isFile()).map((entry) => join(keyFolder, entry.name)),
  ]);
  return Promise.all([...paths].map(checkKeyFile));
}

async function checkKeyFile(path: string): Promise<Check> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0)
      return fail(
        'key file',
        `${path} has mode ${octal(mode)}; the gateway refuses it`,
        `chmod 600 ${path}; if others could read it, replace the key`,
      );
    return ok('key file', `${path}, mode ${octal(mode)}`);
  } catch (error) {
    if (!isMissing(error))
      return fail('key file', `${path} cannot be examined`, 'run doctor as the account of the gateway');
    return warn(
      'key file',
      `${path} is not there`,
      'the first start makes it; after a restore put it back, because a new key opens nothing old',
    );
  }
}

/** What the recorder keeps free: below it, new sessions are refused. */
function reserveOf(totalBytes: number): number {
  return Math.min(10 * GIB, Math.max(500 * MIB, totalBytes / 10));
}

export async function checkDisk(path: string): Promise<Check> {
  try {
    const { bavail, bsize, blocks } = await statfs(path);
    return judgeDisk(path, { freeBytes: bavail * bsize, totalBytes: blocks * bsize });
  } catch (error) {
    if (isMissing(error)) return warn('disk space', `${path} is not there yet`, 'the first start makes it');
    return fail('disk space', `${path} cannot be examined`, 'run doctor as the account of the gateway');
  }
}

export function judgeDisk(
  path: string,
  { freeBytes, totalBytes }: { readonly freeBytes: number; readonly totalBytes: number },
): Check {
  const reserve = reserveOf(totalBytes);
  const found = `${(freeBytes / GIB).toFixed(1)} GiB free for ${path}, of which ${(reserve / GIB).toFixed(1)} are the reserve of the recorder`;
  if (freeBytes < reserve)
    return fail('disk space', found, 'make room or add disk: new sessions are refused until then');
  return freeBytes < 2 * reserve
    ? warn('disk space', found, 'make room, or shorten recording.retention')
    : ok('disk space', found);
}

export function judgeCertificate(certificate: X509Certificate, path: string, now: number): Check {
  const days = Math.floor((certificate.validToDate.getTime() - now) / DAY_MS);
  const until = certificate.validToDate.toISOString().slice(0, 10);
  if (certificate.validFromDate.getTime() > now)
    return fail(
      'certificate',
      `${path} is valid from ${certificate.validFromDate.toISOString()} on`,
      'check the clock of this machine, or the certificate',
    );
  if (days < 0)
    return fail(
      'certificate',
      `${path} expired on ${until}`,
      'renew it; the gateway reads the new file without a restart',
    );
  if (days < EXPIRES_SOON_DAYS)
    return warn(
      'certificate',
      `${path} expires on ${until}, in ${days} days`,
      'renew it; the gateway reads the new file without a restart',
    );
  return ok('certificate', `${path}, until ${until}`);
}

export async function checkCertificate(
  tls: { readonly cert: string; readonly key: string | undefined },
  now: number,
): Promise<readonly Check[]> {
  try {
    const certificate = new X509Certificate(await readFile(tls.cert));
    return [
      judgeCertificate(certificate, tls.cert, now),
      ...(tls.key === undefined ? [] : [await checkKeyFile(tls.key)]),
    ];
  } catch {
    return [
      fail(
        'certificate',
        `${tls.cert} cannot be read as a PEM certificate`,
        'check tls.cert, and that this account may read it',
      ),
    ];
  }
}
