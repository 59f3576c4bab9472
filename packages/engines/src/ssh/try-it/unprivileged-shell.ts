import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Fault } from '@enchilada/core/fault';
import { spawn, type IPty } from '@lydell/node-pty';

const run = promisify(execFile);
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'];
const SHELLS = ['/bin/bash', '/bin/sh'];
/** Marks every process of the machine, so that those which left the terminal's process group are found too. */
const MARK = 'ENCHILADA_MACHINE';

/** Upper bounds for one shell and what it starts: processes of the account, KiB of a file, seconds of processor time, open files. */
const LIMITS = 'ulimit -u 256 -f 65536 -t 600 -n 256 -c 0 2>/dev/null;';

export interface ShellOptions {
  readonly terminalType: string;
  readonly columns: number;
  readonly rows: number;
  /** Runs instead of an interactive shell. */
  readonly command?: string;
}

/** A home of its own and the account that its shells run as. */
export interface UnprivilegedHome extends AsyncDisposable {
  readonly path: string;
  spawnShell(options: ShellOptions): IPty;
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

async function nobody(): Promise<Account | undefined> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith('nobody:'));
  const [name = '', , uid = '0', gid = '0'] = line?.split(':') ?? [];
  return Number(uid) > 0 && Number(gid) > 0 ? { name, uid: Number(uid), gid: Number(gid) } : undefined;
}

/** Processes that carry the mark in their environment (Linux only; elsewhere the terminal's hang-up is all there is). */
async function marked(mark: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/u.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      return environment.split('\0').includes(`${MARK}=${mark}`) ? pid : undefined;
    }),
  );
  return found.filter((pid) => pid !== undefined && pid !== process.pid) as number[];
}

async function killMarked(mark: string): Promise<void> {
  const ROUNDS = 20;
  for (let round = 0; round < ROUNDS; round += 1) {
    const pids = await marked(mark);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It had ended by itself.
      }
    }
    await sleep(25);
  }
}

/**
 * INVARIANT: no shell ever runs as root. A gateway that is root drops to `nobody`, without groups, capabilities or a way to gain any;
 * any other gateway cannot change its account and runs the shell as itself.
 * @throws Fault SHELL_REFUSED where root cannot be dropped
 */
export async function prepareHome(mark: string): Promise<UnprivilegedHome> {
  const isRoot = process.getuid?.() === 0;
  const setpriv = SETPRIV.find((path) => existsSync(path));
  const account = isRoot ? await nobody() : undefined;
  if (isRoot && (setpriv === undefined || account === undefined)) {
    throw new Fault(
      'SHELL_REFUSED',
      'the gateway runs as root and has neither setpriv nor an account nobody to drop to',
    );
  }
  const drop =
    account === undefined || setpriv === undefined
      ? []
      : [
          setpriv,
          `--reuid=${account.uid}`,
          `--regid=${account.gid}`,
          '--clear-groups',
          '--no-new-privs',
          '--inh-caps=-all',
          '--bounding-set=-all',
          '--',
        ];
  if (drop.length > 0) {
    try {
      await run(drop[0]!, [...drop.slice(1), '/bin/sh', '-c', 'test "$(id -u)" != 0']);
    } catch (cause) {
      throw new Fault('SHELL_REFUSED', 'the gateway runs as root and may not drop to another account here', { cause });
    }
  }
  const shell = SHELLS.find((path) => existsSync(path)) ?? '/bin/sh';
  const path = await mkdtemp(join(tmpdir(), 'enchilada-machine-'));
  const profile = join(path, '.bashrc');
  await writeFile(profile, `PS1='\\[\\e[32m\\]guest@try-it\\[\\e[0m\\]:\\w\\$ '\n`);
  if (account !== undefined) for (const entry of [path, profile]) await chown(entry, account.uid, account.gid);
  const shells = new Set<IPty>();

  return {
    path,
    spawnShell({ terminalType, columns, rows, command }) {
      const program = command === undefined ? `exec ${shell} -i` : `exec ${shell} -c "$1"`;
      const [file = '', ...args] = [
        ...drop,
        '/bin/sh',
        '-c',
        `umask 077; ${LIMITS} ${program}`,
        'shell',
        ...(command === undefined ? [] : [command]),
      ];
      const pty = spawn(file, args, {
        name: terminalType,
        cols: columns,
        rows,
        cwd: path,
        encoding: null,
        // Nothing of the gateway's own environment.
        env: {
          HOME: path,
          USER: 'guest',
          LOGNAME: 'guest',
          SHELL: shell,
          PATH: '/usr/local/bin:/usr/bin:/bin',
          LANG: 'C.UTF-8',
          TERM: terminalType,
          [MARK]: mark,
        },
      });
      shells.add(pty);
      pty.onExit(() => shells.delete(pty));
      return pty;
    },
    async [Symbol.asyncDispose]() {
      for (const pty of shells) pty.kill('SIGHUP');
      await killMarked(mark);
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
