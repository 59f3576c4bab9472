import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn, type IPty } from '@lydell/node-pty';
import { type Cage, findCage, type Means, meansHere } from './confinement.ts';
import { imitatedShells } from './imitated-shell.ts';
import type { ShellHost, ShellOptions, ShellProcess } from './shell-host.ts';

const SHELLS = ['/bin/bash', '/bin/sh'];
/** Marks every process of the machine, so that those which left the terminal's process group are found too. */
const MARK = 'ENCHILADA_MACHINE';

/** Upper bounds for one shell and what it starts: processes of the account, KiB of a file and of memory, seconds of processor time, open files. */
const LIMITS = ['-u 256', '-f 65536', '-v 4194304', '-t 600', '-n 256', '-c 0']
  .map((limit) => `ulimit ${limit} 2>/dev/null;`)
  .join(' ');

/** Processes that carry the mark in their environment (Linux only; elsewhere the terminal's hang-up is all there is). */
async function marked(mark: string): Promise<readonly number[]> {
  // Where there is no /proc, nothing is found.
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/u.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      // It has ended, or is not ours: then it does not bear the mark.
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

/** Real shells where one can be locked in for certain, and imitated ones elsewhere. */
export async function prepareShells(mark: string, means?: Means): Promise<ShellHost> {
  const available = means ?? (await meansHere());
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-machine-'));
  try {
    if (available.isRoot && available.nobody !== undefined)
      await chown(folder, available.nobody.uid, available.nobody.gid);
    const cage = await findCage(available, folder);
    if (cage !== undefined) return await cagedShells(cage, { mark, folder });
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    throw cause;
  }
  await rm(folder, { recursive: true, force: true });
  return imitatedShells();
}

async function cagedShells(
  cage: Cage,
  { mark, folder }: { readonly mark: string; readonly folder: string },
): Promise<ShellHost> {
  const shell = SHELLS.find((path) => existsSync(path)) ?? '/bin/sh';
  if (cage.home === folder && cage.account !== undefined) {
    const profile = join(folder, '.bashrc');
    await writeFile(profile, `PS1='\\[\\e[32m\\]guest@try-it\\[\\e[0m\\]:\\w\\$ '\n`);
    await chown(profile, cage.account.uid, cage.account.gid);
  }
  const shells = new Set<IPty>();
  return {
    confinement: cage.confinement,
    isImitation: false,
    openShell({ terminalType, columns, rows, command }: ShellOptions): ShellProcess {
      const program = command === undefined ? `exec ${shell} -i` : `exec ${shell} -c "$1"`;
      const limited = ['/bin/sh', '-c', `umask 077; ${LIMITS} ${program}`, 'shell'];
      const [file = '', ...args] = [...cage.command, ...limited, ...(command === undefined ? [] : [command])];
      const pty = spawn(file, args, {
        name: terminalType,
        cols: columns,
        rows,
        cwd: folder,
        encoding: null,
        // Nothing of the gateway's own environment.
        env: {
          HOME: cage.home,
          USER: 'guest',
          LOGNAME: 'guest',
          SHELL: shell,
          // The cage is built with programs of the system's administrator.
          PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
          LANG: 'C.UTF-8',
          TERM: terminalType,
          [MARK]: mark,
        },
      });
      shells.add(pty);
      pty.onExit(() => shells.delete(pty));
      return processOf(pty);
    },
    async [Symbol.asyncDispose]() {
      for (const pty of shells) pty.kill('SIGHUP');
      await killMarked(mark);
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function processOf(pty: IPty): ShellProcess {
  return {
    onData: (listener) => void pty.onData((data) => listener(Buffer.from(data))),
    onExit: (listener) => void pty.onExit(listener),
    // The terminal takes bytes; its types know text only.
    write: (bytes) => pty.write(bytes as unknown as string),
    resize: (columns, rows) => {
      try {
        pty.resize(columns, rows);
      } catch {
        // The terminal is closed a moment before its process is known to have ended (EBADF).
      }
    },
    pause: () => pty.pause(),
    resume: () => pty.resume(),
    hangUp: () => pty.kill('SIGHUP'),
  };
}
