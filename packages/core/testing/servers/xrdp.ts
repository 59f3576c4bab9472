import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as dial, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { startXvnc, type Xvnc } from './xvnc.ts';
import { freePort } from '../free-port.ts';
import { ownDisplay } from '../own-display.ts';
import { until } from '../until.ts';

const run = promisify(execFile);
/** A program of a screen that waits for what never comes must not hold a test for ever. */
const PATIENCE_MS = 120_000;
const XRDP = '/usr/sbin/xrdp';
const XORG = '/usr/lib/xorg/Xorg';
const SOCKETS = '/run/xrdp/sockdir';

export interface XrdpOptions {
  /**
   * What draws the desktop: `xvnc` checks the password and sends bitmaps; `xorg` asks for no password, sends RemoteFX where the client
   * can, resizes, and has a clipboard. The default is `xvnc`.
   */
  readonly backend?: 'xvnc' | 'xorg';
  readonly geometry?: string;
  /** What `xvnc` checks, of which the first eight characters count; all of it is sent. */
  readonly password?: string;
  /** As in xrdp.ini; `rdp` has no TLS. */
  readonly securityLayer?: 'tls' | 'rdp' | 'negotiate';
  /** Of RDP's own encryption, as in xrdp.ini: 40 bits from the client alone, 40 bits, 128 bits, 3DES. The default is `high`. */
  readonly cryptLevel?: 'none' | 'low' | 'medium' | 'high' | 'fips';
  /**
   * An `xorg` whose account has a home, in which xrdp mounts what the person has on their clipboard (FUSE: it needs /dev/fuse, and root). Otherwise
   * what a person copies can be pasted as text alone.
   */
  readonly home?: boolean;
  /** Files in PEM; one signed by itself otherwise. */
  readonly certificate?: { readonly key: string; readonly certificate: string };
}

/** A real xrdp: TLS, no network level authentication. Each connection is to the same desktop. */
export interface Xrdp extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** `SHA256:…` of its certificate, or of its key where it has no TLS. */
  readonly fingerprint: string;
  readonly display: string;
  log(): string;
  /** Attempts to sign in, refused or accepted. */
  signIns(): number;
  /** Runs a program on the desktop until it ends. Answers what it printed. */
  run(program: string, ...arguments_: readonly string[]): Promise<string>;
  /** Starts a program that lives as long as the desktop. */
  start(program: string, ...arguments_: readonly string[]): ChildProcess;
  /** Ends the server, as a machine that is shut down. */
  stop(): Promise<void>;
}

interface Desktop extends AsyncDisposable {
  readonly display: string;
  /** Its lines in xrdp.ini. */
  readonly section: readonly string[];
  readonly password: string;
  attempts(): number;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

async function onXvnc({ geometry = '1024x768', password }: XrdpOptions): Promise<Desktop> {
  const xvnc: Xvnc = await startXvnc({
    ...{ geometry, securityTypes: 'VncAuth' },
    ...(password === undefined ? {} : { password }),
  });
  return {
    display: xvnc.display,
    password: xvnc.password,
    section: ['lib=libvnc.so', 'ip=127.0.0.1', `port=${xvnc.port}`, 'username=na', 'password=ask'],
    attempts: () => xvnc.signIns(),
    [Symbol.asyncDispose]: () => xvnc[Symbol.asyncDispose](),
  };
}

/** The X server with xrdp's driver, which xrdp reaches by a socket; its clipboard is a program beside it, whose folder is compiled in. */
async function onXorg(directory: string, { home = false }: XrdpOptions): Promise<Desktop> {
  if (!existsSync(SOCKETS)) await run('mkdir', ['-p', '-m', '3777', SOCKETS]);
  let log = '';
  const server = spawn(
    XORG,
    [
      ...[ownDisplay(), '-displayfd', '3', '-config', 'xrdp/xorg.conf', '-noreset', '-nolisten', 'tcp', '-ac'],
      ...['-logfile', join(directory, 'xorg.log')],
    ],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: { ...process.env, XRDP_SOCKET_PATH: directory } },
  );
  server.stderr?.on('data', (bytes: Buffer) => (log += bytes.toString()));
  const number = await new Promise<string>((resolve, reject) => {
    let text = '';
    (server.stdio[3] as Readable).on('data', (bytes: Buffer) => {
      text += bytes.toString();
      if (text.includes('\n')) resolve(text.trim());
    });
    server.once('exit', (code) => reject(new Error(`Xorg ended with ${code}: ${log}`)));
  });
  const display = `:${number}`;
  const channels = spawn('/usr/sbin/xrdp-chansrv', [], {
    stdio: 'ignore',
    env: { ...process.env, DISPLAY: display, HOME: home ? directory : '/nonexistent', CHANSRV_LOG_PATH: directory },
  });
  return {
    display,
    password: 'unasked',
    section: [
      'lib=libxup.so',
      `port=${join(directory, `xrdp_display_${number}`)}`,
      'ip=127.0.0.1',
      'username=na',
      'password=na',
      'code=20',
      `chansrvport=DISPLAY(${number})`,
    ],
    attempts: () => 0,
    async [Symbol.asyncDispose]() {
      await stopped(channels);
      // A program that is killed leaves its mount behind.
      if (home) await run('umount', ['-l', join(directory, 'thinclient_drives')]).catch(() => undefined);
      await stopped(server);
    },
  };
}

async function selfSigned(directory: string): Promise<{ readonly key: string; readonly certificate: string }> {
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30'],
    ...['-subj', '/CN=test desktop', '-keyout', key, '-out', certificate],
  ]);
  return { key, certificate };
}

/** What xrdp shows in place of a certificate where it has no TLS: the installation's own, whatever its settings say. */
const RSA_KEYS = '/etc/xrdp/rsakeys.ini';

/** SubjectPublicKeyInfo in DER, of numbers that the file lists byte by byte, the least significant first. */
async function rsaKey(): Promise<Buffer> {
  const text = await readFile(RSA_KEYS, 'utf8');
  const number = (name: string): string =>
    Buffer.from((new RegExp(`^${name}=(.*)$`, 'mu').exec(text)?.[1] ?? '').split(',').map(Number))
      .reverse()
      .toString('base64url');
  const key = createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: number('pub_mod'), e: number('pub_exp') } });
  return key.export({ type: 'spki', format: 'der' });
}

const MOST_PCM_BYTES = 16 * 1024;

/** The program that holds the channels listens for sound only once a client's channels are open, which may be after the desktop is shown. */
async function soundOf(display: string): Promise<Socket> {
  const path = join(SOCKETS, `xrdp_chansrv_audio_out_socket_${display.replace(':', '')}`);
  let socket = dial(path);
  await until(async () => {
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      socket = dial(path);
      return false;
    }
  });
  return socket;
}

/**
 * Sound of a program on the desktop of an `xorg`: 44100 Hz, 16 bits, stereo. As pulseaudio-module-xrdp does it: PCM behind a
 * header to the program that holds the channels.
 * @throws Error where no client opens its channels in time
 */
export async function playOn({ display }: Pick<Xrdp, 'display'>, pcm: Uint8Array): Promise<void> {
  const socket = await soundOf(display);
  for (let at = 0; at < pcm.length; at += MOST_PCM_BYTES) {
    const piece = pcm.subarray(at, at + MOST_PCM_BYTES);
    const header = Buffer.alloc(8);
    header.writeUInt32LE(piece.length + header.length, 4);
    if (!socket.write(Buffer.concat([header, piece]))) await once(socket, 'drain');
  }
  socket.end();
  await once(socket, 'close');
}

export async function startXrdp(options: XrdpOptions = {}): Promise<Xrdp> {
  if (!existsSync(XRDP) || !existsSync(XORG))
    throw new Error('a test xrdp needs the Debian packages xrdp and xorgxrdp');
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-xrdp-'));
  const desktop = options.backend === 'xorg' ? await onXorg(directory, options) : await onXvnc(options);
  const ini = join(directory, 'xrdp.ini');
  const { key, certificate } = options.certificate ?? (await selfSigned(directory));
  const port = await freePort();
  await writeFile(
    ini,
    [
      ...['[Globals]', 'ini_version=1', 'fork=true', `port=tcp://127.0.0.1:${port}`, 'tcp_nodelay=true'],
      ...[`security_layer=${options.securityLayer ?? 'tls'}`, `crypt_level=${options.cryptLevel ?? 'high'}`],
      'ssl_protocols=TLSv1.2, TLSv1.3',
      ...[`certificate=${certificate}`, `key_file=${key}`, 'autorun=Desktop', 'allow_channels=true', 'max_bpp=32'],
      ...['bitmap_compression=true', 'bulk_compression=true', 'new_cursors=true', 'use_fastpath=both'],
      ...['[Logging]', `LogFile=${join(directory, 'xrdp.log')}`, 'LogLevel=INFO', 'EnableSyslog=false'],
      ...['EnableConsole=true', 'ConsoleLevel=DEBUG'],
      ...['[Channels]', 'drdynvc=true', 'cliprdr=true', 'rdpsnd=true'],
      ...['[Desktop]', 'name=Desktop', ...desktop.section, ''],
    ].join('\n'),
  );
  let log = '';
  const server = spawn(XRDP, ['-n', '-c', ini], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (bytes: Buffer) => (log += bytes.toString()));
  while (!(await answers(port))) {
    if (server.exitCode !== null) throw new Error(`xrdp ended with ${server.exitCode}: ${log}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const env = { ...process.env, DISPLAY: desktop.display, XAUTHORITY: '/dev/null', LC_ALL: 'C.UTF-8' };
  const programs = new Set<ChildProcess>();
  const shown = options.securityLayer === 'rdp' ? await rsaKey() : new X509Certificate(await readFile(certificate)).raw;
  const stop = async (): Promise<void> => {
    const { pid } = server;
    if (pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const exited = new Promise((resolve) => server.once('exit', resolve));
    // Each connection has a process of its own, in the group of the server that is started here.
    process.kill(-pid, 'SIGKILL');
    await exited;
  };
  return {
    host: '127.0.0.1',
    port,
    username: 'otter',
    password: desktop.password,
    fingerprint: `SHA256:${createHash('sha256').update(shown).digest('base64').replace(/=+$/u, '')}`,
    display: desktop.display,
    log: () => log,
    signIns: () => desktop.attempts(),
    run: async (program, ...arguments_) => (await run(program, [...arguments_], { env, timeout: PATIENCE_MS })).stdout,
    start(program, ...arguments_) {
      const child = spawn(program, [...arguments_], { env, stdio: 'ignore' });
      programs.add(child);
      child.once('exit', () => programs.delete(child));
      return child;
    },
    stop,
    async [Symbol.asyncDispose]() {
      for (const program of programs) program.kill('SIGKILL');
      await stop();
      await desktop[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
