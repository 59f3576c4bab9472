import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { childrenOf } from '../children.ts';
import { freePort } from '../free-port.ts';
import { aloneOnMachine } from '../machine-lock.ts';

const run = promisify(execFile);
/** Kept between runs: unpacking takes a minute. */
const PREFIX = join(tmpdir(), 'enchilada-guacd-1.3.0');
const LIBRARIES = join(PREFIX, 'root', 'usr', 'lib', 'x86_64-linux-gnu');
const DONE = join(PREFIX, 'complete');
const PROGRAM = join(PREFIX, 'root', 'usr', 'sbin', 'guacd');
/** What guacd and its plug-ins link against and Debian 12 still carries under the same soname. */
const PRESENT = [
  'libcairo2',
  'libjpeg62-turbo',
  'libossp-uuid16',
  'libgcrypt20',
  'libglib2.0-0',
  'libpulse0',
  'libvncclient1',
  'libfreerdp2-2',
  'libfreerdp-client2-2',
  'libwinpr2-2',
  'libpng16-16',
  'libpango-1.0-0',
  'libpangocairo-1.0-0',
  'libssh2-1',
  'fonts-dejavu-core',
  'fontconfig',
];
/** guacd 1.3.0 of Debian 11, and the two libraries that Debian 12 dropped. */
const FROM_DEBIAN_11 = [
  'guacd',
  'libguac19',
  'libguac-client-ssh0',
  'libguac-client-vnc0',
  'libguac-client-rdp0',
  'libssl1.1',
  'libwebp6',
];
/** FreeRDP looks for the plug-ins of sound and clipboard in its own folder only. */
const PLUGINS = '/usr/lib/x86_64-linux-gnu/freerdp2';
const PATIENCE_MS = 60_000;
const MOST_PORTS = 5;
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

async function install(say: (words: string) => void): Promise<void> {
  if (existsSync(DONE)) return;
  await aloneOnMachine(`${PREFIX}.lock`, async () => {
    if (!existsSync(DONE)) await unpack(say);
  });
}

/** Into a folder of its own; the system's package sources stay as they are. */
async function unpack(say: (words: string) => void): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('guacd is not here and installing it needs root');
  say('guacd 1.3.0 is being unpacked from the packages of Debian 11');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...words: string[]) =>
    run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', ...words], { env, cwd: join(PREFIX, 'debs') });
  for (const folder of ['apt/parts', 'apt/lists/partial', 'apt/cache/archives/partial', 'debs', 'root'])
    await mkdir(join(PREFIX, folder), { recursive: true });
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Codename: bookworm']);
  const mirror = stdout.split('\n')[0]?.replace(/\/$/u, '') ?? '';
  const source = (where: string, suite: string): string => `deb [signed-by=${KEYRING}] ${where} ${suite} main\n`;
  await writeFile(
    join(PREFIX, 'apt', 'sources.list'),
    source(mirror, 'bullseye') + source(`${mirror}-security`, 'bullseye-security'),
  );
  await apt('update');
  await apt('install', '-y', '--no-install-recommends', ...PRESENT);
  const own = {
    'Dir::Etc::SourceList': join(PREFIX, 'apt', 'sources.list'),
    'Dir::Etc::SourceParts': join(PREFIX, 'apt', 'parts'),
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': join(PREFIX, 'apt', 'parts'),
    'Dir::State::Lists': join(PREFIX, 'apt', 'lists'),
    'Dir::Cache': join(PREFIX, 'apt', 'cache'),
    'Acquire::Check-Valid-Until': 'false',
    'APT::Sandbox::User': 'root',
  };
  const options = Object.entries(own).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await apt(...options, 'update');
  await apt(...options, 'download', ...FROM_DEBIAN_11);
  for (const deb of await readdir(join(PREFIX, 'debs')))
    await run('dpkg', ['-x', join(PREFIX, 'debs', deb), join(PREFIX, 'root')]);
  await mkdir(PLUGINS, { recursive: true });
  for (const name of await readdir(join(LIBRARIES, 'freerdp2')))
    await symlink(join(LIBRARIES, 'freerdp2', name), join(PLUGINS, name)).catch((failure: NodeJS.ErrnoException) => {
      if (failure.code !== 'EEXIST') throw failure;
    });
  await writeFile(DONE, '');
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** It and its connections, which are processes of their own, in groups of their own, and outlive it. */
async function endWithConnections(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  for (const pid of [child.pid, ...(await childrenOf(child.pid))])
    try {
      process.kill(pid, 'SIGKILL');
    } catch (failure) {
      if ((failure as NodeJS.ErrnoException).code !== 'ESRCH') throw failure;
    }
}

export interface GuacdOptions {
  readonly say?: (words: string) => void;
  /** It speaks TLS with it. */
  readonly certificate?: { readonly certFile: string; readonly keyFile: string };
}

/** The real guacd on a port of the system's choice. */
export class Guacd implements AsyncDisposable {
  readonly pid: number;
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #stop: () => Promise<void>;

  private constructor(facts: { readonly pid: number; readonly port: number; readonly stop: () => Promise<void> }) {
    this.pid = facts.pid;
    this.port = facts.port;
    this.#stop = facts.stop;
  }

  static async start({ say = () => undefined, certificate }: GuacdOptions = {}): Promise<Guacd> {
    await install(say);
    const home = await mkdtemp(join(tmpdir(), 'enchilada-guacd-'));
    const tls = certificate === undefined ? [] : ['-C', certificate.certFile, '-K', certificate.keyFile];
    // Not a pipe: a connection that is left over would hold it, and this process with it.
    const file = join(home, 'log');
    await using log = await open(file, 'w');
    for (let attempt = 0; ; attempt += 1) {
      const port = await freePort();
      const child = spawn(PROGRAM, ['-f', '-L', 'error', '-b', '127.0.0.1', '-l', String(port), ...tls], {
        env: { ...process.env, HOME: home, LD_LIBRARY_PATH: LIBRARIES },
        stdio: ['ignore', 'ignore', log.fd],
      });
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
      const deadline = performance.now() + PATIENCE_MS;
      let listens = false;
      while (!(listens = await answers(port)) && !hasEnded() && performance.now() < deadline) await sleep(50);
      const stop = async (): Promise<void> => {
        await endWithConnections(child);
        await gone;
        await rm(home, { recursive: true, force: true });
      };
      if (listens && !hasEnded()) return new Guacd({ pid: child.pid ?? 0, port, stop });
      const state = hasEnded() ? `ended with ${child.exitCode ?? child.signalCode}` : 'does not listen';
      await endWithConnections(child);
      await gone;
      const said = await readFile(file, 'utf8');
      // Between the choice of a port and its use another process may take it.
      if (said.includes('Address already in use') && attempt < MOST_PORTS) continue;
      await rm(home, { recursive: true, force: true });
      throw new Error(`guacd ${state}: ${said}`);
    }
  }

  /** Ends it at once, with every connection. */
  kill(): Promise<void> {
    return this.#stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop();
  }
}
