import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'];
const UNSHARE = ['/usr/bin/unshare', '/bin/unshare'];
const PROOF_MS = 10_000;

/** What a shell is locked in by: another account, namespaces of its own, both, or nothing that was proven. */
export type Confinement = 'account' | 'namespaces' | 'account and namespaces';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** What this computer has; a test may take something away. */
export interface Means {
  readonly isRoot: boolean;
  readonly nobody: Account | undefined;
  readonly setpriv: string | undefined;
  readonly unshare: string | undefined;
}

export interface Cage {
  readonly confinement: Confinement;
  /** The account that the shell has outside, where it is not the gateway's. */
  readonly account: Account | undefined;
  /** Where the shell is at home, as it sees it itself. */
  readonly home: string;
  /** Goes before the shell and its arguments. */
  readonly command: readonly string[];
}

export async function meansHere(): Promise<Means> {
  // Without it there is nobody to become, and the shell is an imitation.
  const line = (await readFile('/etc/passwd', 'utf8').catch(() => ''))
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'));
  const [, , uid = 0, gid = 0] = (line ?? '').split(':').map(Number);
  return {
    isRoot: process.getuid?.() === 0,
    nobody: uid > 0 && gid > 0 ? { uid, gid } : undefined,
    setpriv: SETPRIV.find((path) => existsSync(path)),
    unshare: UNSHARE.find((path) => existsSync(path)),
  };
}

const INSIDE_HOME = '/home/guest';
const SEALED = ['--no-new-privs', '--inh-caps=-all', '--bounding-set=-all', '--'];

/**
 * Builds a file system of the system's programs and nothing else, and starts the shell in it without a right even inside.
 * INVARIANT: what is not named here is not there: no data folder, no /home, no /run, no /var, no network, no process but its own.
 * `$1` is an empty folder, the rest is the command. https://man7.org/linux/man-pages/man7/user_namespaces.7.html
 */
const BUILD = `
set -eu
echo 0 > /proc/sys/user/max_user_namespaces
root=$1 setpriv=$2; shift 2
mount -t tmpfs -o size=64m,mode=755,nosuid,nodev tmpfs "$root"
cd "$root"
mkdir -p etc dev proc tmp home/guest old
for name in usr bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$name" ]; then ln -s "$(readlink "/$name")" "$name"
  elif [ -d "/$name" ]; then mkdir "$name"; mount --rbind "/$name" "$name"; mount -o remount,bind,ro "$name" 2>/dev/null || :
  fi
done
for name in null zero full random urandom tty; do : > "dev/$name"; mount --bind "/dev/$name" "dev/$name"; done
ln -s /proc/self/fd dev/fd
for name in alternatives terminfo ld.so.cache bash.bashrc; do
  if [ -e "/etc/$name" ]; then cp -r "/etc/$name" etc/; fi
done
echo "guest:x:$(id -u):$(id -g):guest:${INSIDE_HOME}:/bin/sh" > etc/passwd
echo "guest:x:$(id -g):" > etc/group
printf '%s\\n' "PS1='\\\\[\\\\e[32m\\\\]guest@try-it\\\\[\\\\e[0m\\\\]:\\\\w\\\\$ '" > .${INSIDE_HOME}/.bashrc
mount -t proc -o nosuid,nodev,noexec proc proc
hostname try-it
pivot_root . old
umount -n -l /old
rmdir /old
chmod 1777 /tmp
cd ${INSIDE_HOME}
# The first process is not the shell: it takes in what the shell leaves behind, and ends when unshare does.
exec "$setpriv" --ambient-caps=-all ${SEALED.join(' ')} /bin/sh -c '"$@"; exit $?' init "$@"
`;

/** Ends with 0 if the cage holds. `$1` is a file outside that everybody may read. */
const PROVE_NAMESPACES = `
test "$(id -u)" != 0
test ! -e "$1"
test ! -e /var && test ! -e /run && test ! -e /root && test ! -e /sys
grep -q '^CapEff:[[:space:]]*0*$' /proc/self/status
grep -q '^CapAmb:[[:space:]]*0*$' /proc/self/status
grep -q '^CapPrm:[[:space:]]*0*$' /proc/self/status
grep -q '^NoNewPrivs:[[:space:]]*1$' /proc/self/status
test "$(grep -c : /proc/net/dev)" = 1
grep -q '^CapEff:[[:space:]]*0*$' /proc/1/status
test "$(ls -d /proc/[0-9]* | wc -l)" -lt 10
: > ./writable
! unshare --user true 2>/dev/null
`;
const PROVE_ACCOUNT = 'test "$(id -u)" != 0';

/** Runs the proof in the cage. Anything but a clean answer means that it does not hold. */
async function holds(command: readonly string[], proof: string, canary: string): Promise<boolean> {
  const [file = '', ...args] = command;
  try {
    await run(file, [...args, '/bin/sh', '-ec', proof, 'proof', canary], {
      timeout: PROOF_MS,
      killSignal: 'SIGKILL',
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    return true;
  } catch {
    return false;
  }
}

/**
 * The strongest cage of this computer that was seen to hold, or none. INVARIANT: no cage leaves the shell both the gateway's account and the gateway's
 * files: whoever runs the gateway may read the keys of everything, and a newcomer's session must not.
 * @param folder empty, of the account that the shell gets
 */
export async function findCage(means: Means, folder: string): Promise<Cage | undefined> {
  const { isRoot, nobody, setpriv, unshare } = means;
  if (setpriv === undefined) return undefined;
  const account = isRoot ? nobody : undefined;
  if (isRoot && account === undefined) return undefined;
  const drop =
    account === undefined
      ? []
      : [setpriv, `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', ...SEALED];
  const canary = join(folder, 'canary');
  await writeFile(canary, 'outside', { mode: 0o644 });
  try {
    if (unshare !== undefined) {
      const spaces = [
        '--user',
        '--map-current-user',
        '--keep-caps',
        '--mount',
        '--pid',
        '--net',
        '--ipc',
        '--uts',
        '--fork',
        '--kill-child',
      ];
      const build = ['/bin/sh', '-c', BUILD, 'build', folder, setpriv];
      const command = [...drop, unshare, ...spaces, '--', ...build];
      if (await holds(command, PROVE_NAMESPACES, canary))
        return {
          confinement: account === undefined ? 'namespaces' : 'account and namespaces',
          account,
          home: INSIDE_HOME,
          command,
        };
    }
    if (account !== undefined && (await holds(drop, PROVE_ACCOUNT, canary)))
      return { confinement: 'account', account, home: folder, command: drop };
    return undefined;
  } finally {
    await rm(canary, { force: true });
  }
}
