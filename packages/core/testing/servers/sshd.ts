import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childrenOf } from '../children.ts';
import { freePort } from '../free-port.ts';
import { aloneOnMachine } from '../machine-lock.ts';
import { ensurePackage } from './database-server.ts';

const run = promisify(execFile);
const SSHD = '/usr/sbin/sshd';
const ACCOUNT = 'enchilada-ssh';

export interface SshdOptions {
  /** Further lines of sshd_config. They come first: sshd takes the first value of a keyword. */
  readonly config?: readonly string[];
  /** `false`: without the SFTP subsystem. */
  readonly sftp?: false;
  readonly hostKeyTypes?: readonly ('ed25519' | 'ecdsa' | 'rsa')[];
  /** Where another server listened before; one of the system's choice otherwise. */
  readonly port?: number;
}

/** A real OpenSSH server on a port of the system's choice, with its own host keys and log. */
export interface Sshd extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly directory: string;
  readonly hostKeys: readonly { readonly keyType: string; readonly key: Uint8Array; readonly fingerprint: string }[];
  log(): string;
  /** Authentication requests the server saw, in order, by method; the leading `none` that lists the methods is left out. */
  attempts(): readonly string[];
  /** Processes that serve a connection. */
  connectionPids(): Promise<readonly number[]>;
  authorize(publicKey: string): Promise<void>;
  /** Restarts on the same port with these further lines of sshd_config. */
  reconfigure(config: readonly string[]): Promise<void>;
  /** Restarts on the same port with new host keys. */
  changeHostKeys(): Promise<void>;
}

export interface GeneratedKey {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** Installs OpenSSH where it may, without starting the system's own service. */
async function ensureSshd(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('a test sshd needs root: it signs in to an account of its own');
  await ensurePackage('openssh-server', SSHD);
  await mkdir('/run/sshd', { recursive: true });
}

/** The account that tests sign in to: made once on a machine, with a random password that only root can read. */
export async function testAccount(): Promise<{ username: string; password: string }> {
  const file = '/var/lib/enchilada-test-account';
  return aloneOnMachine('/run/lock/enchilada-test-account', async () => {
    const known = await readFile(file, 'utf8').catch(() => undefined);
    const exists = await run('id', [ACCOUNT]).then(
      () => true,
      () => false,
    );
    if (known !== undefined && exists) return { username: ACCOUNT, password: known };
    const password = randomBytes(18).toString('base64url');
    if (!exists) await run('useradd', ['-m', '-s', '/bin/bash', ACCOUNT]);
    const chpasswd = run('chpasswd');
    chpasswd.child.stdin?.end(`${ACCOUNT}:${password}\n`);
    await chpasswd;
    await writeFile(file, password, { mode: 0o600 });
    return { username: ACCOUNT, password };
  });
}

/** A key pair as `ssh-keygen` writes it; `arguments_` are its own, for example `-t ed25519`. */
export async function generateKey(arguments_: readonly string[], passphrase = ''): Promise<GeneratedKey> {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-key-'));
  try {
    const file = join(directory, 'key');
    await run('ssh-keygen', ['-q', '-N', passphrase, '-C', 'test', '-f', file, ...arguments_]);
    return { privateKey: await readFile(file, 'utf8'), publicKey: (await readFile(`${file}.pub`, 'utf8')).trim() };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Running {
  readonly child: ChildProcess;
  log: string;
}

/** Starts sshd in the foreground and waits for its word that it listens; undefined when the port was taken meanwhile. */
async function launch(config: string): Promise<Running | undefined> {
  const child = spawn(SSHD, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const running: Running = { child, log: '' };
  return new Promise((resolve, reject) => {
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      running.log += text;
      if (running.log.includes('Server listening on')) resolve(running);
    });
    child.once('error', reject);
    // When it has been heard out.
    child.once('close', (code) =>
      running.log.includes('Address already in use')
        ? resolve(undefined)
        : reject(new Error(`sshd ended with ${code}: ${running.log}`)),
    );
  });
}

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  await ensureSshd();
  const { username, password } = await testAccount();
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-sshd-'));
  await chmod(directory, 0o755);
  const authorizedKeys = join(directory, 'authorized_keys');
  await writeFile(authorizedKeys, '', { mode: 0o644 });
  const types = options.hostKeyTypes ?? ['ed25519', 'ecdsa', 'rsa'];
  const hostKeys: { keyType: string; key: Uint8Array; fingerprint: string }[] = [];

  const makeHostKeys = async (): Promise<void> => {
    hostKeys.length = 0;
    for (const type of types) {
      const { privateKey, publicKey } = await generateKey(['-t', type]);
      await writeFile(join(directory, `host_${type}`), privateKey, { mode: 0o600 });
      const [keyType = '', blob = ''] = publicKey.split(' ');
      const key = Buffer.from(blob, 'base64');
      hostKeys.push({
        keyType,
        key,
        fingerprint: `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/u, '')}`,
      });
    }
  };
  const config = join(directory, 'sshd_config');
  const writeConfig = (port: number, further = options.config ?? []): Promise<void> =>
    writeFile(
      config,
      [
        ...further,
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        ...types.map((type) => `HostKey ${join(directory, `host_${type}`)}`),
        `AuthorizedKeysFile ${authorizedKeys}`,
        'StrictModes no',
        'UsePAM yes',
        'PasswordAuthentication yes',
        'KbdInteractiveAuthentication yes',
        'AllowTcpForwarding yes',
        'AllowAgentForwarding no',
        'X11Forwarding no',
        'MaxStartups 200',
        'UseDNS no',
        'PidFile none',
        'LogLevel DEBUG1',
        ...(options.sftp === false ? [] : ['Subsystem sftp internal-sftp']),
        '',
      ].join('\n'),
    );

  await makeHostKeys();
  let port = 0;
  let running: Running | undefined;
  while (running === undefined) {
    port = options.port ?? (await freePort());
    await writeConfig(port);
    running = await launch(config);
    if (running === undefined && options.port !== undefined) throw new Error(`port ${port} is taken`);
  }
  let current: Running = running;
  const children = (pid: number | undefined): Promise<readonly number[]> =>
    pid === undefined ? Promise.resolve([]) : childrenOf(pid);
  const stop = async (): Promise<void> => {
    if (current.child.exitCode !== null || current.child.signalCode !== null) return;
    const exited = new Promise((resolve) => current.child.once('exit', resolve));
    current.child.kill('SIGTERM');
    await exited;
  };

  return {
    host: '127.0.0.1',
    port,
    username,
    password,
    directory,
    hostKeys,
    log: () => current.log,
    attempts: () =>
      [...current.log.matchAll(/userauth-request for user \S* service \S+ method (\S+)/gu)]
        .map((match) => match[1] ?? '')
        .filter((method) => method !== 'none'),
    connectionPids: () => children(current.child.pid),
    authorize: async (publicKey) => writeFile(authorizedKeys, `${publicKey}\n`, { flag: 'a' }),
    async reconfigure(further) {
      await stop();
      await writeConfig(port, further);
      const again = await launch(config);
      if (again === undefined) throw new Error(`port ${port} was taken meanwhile`);
      current = again;
    },
    async changeHostKeys() {
      await stop();
      await makeHostKeys();
      const again = await launch(config);
      if (again === undefined) throw new Error(`port ${port} was taken meanwhile`);
      current = again;
    },
    async [Symbol.asyncDispose]() {
      const serving = await children(current.child.pid);
      await stop();
      for (const pid of serving) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It had ended by itself.
        }
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}
