import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createCipheriv, createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { freePort } from '../free-port.ts';
import { ownDisplay } from '../own-display.ts';
import { until } from '../until.ts';

const run = promisify(execFile);
/** A program of a screen that waits for what never comes must not hold a test for ever. */
const PATIENCE_MS = 120_000;
const XVNC = '/usr/bin/Xvnc';
/** What VNC servers obfuscate their password file with, since the first of them. */
const FILE_KEY = Buffer.from([0xe8, 0x4a, 0xd6, 0x60, 0xc4, 0x72, 0x1a, 0xe0]);

export interface XvncOptions {
  /** As Xvnc's own `-SecurityTypes`; the default is X509Vnc. */
  readonly securityTypes?: string;
  readonly geometry?: string;
  readonly password?: string;
  readonly arguments?: readonly string[];
  /** Files of PEM; the default is a certificate that signed itself. */
  readonly certificate?: { readonly key: string; readonly certificate: string };
}

/** A real TigerVNC desktop on a display and a port of the system's choice, with nothing on it but what a test starts. */
export interface Xvnc extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly display: string;
  readonly password: string;
  /** `SHA256:…` of its certificate. */
  readonly fingerprint: string;
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

function ensureXvnc(): void {
  if (!existsSync(XVNC)) throw new Error('a test desktop needs the Debian package tigervnc-standalone-server');
}

export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** As VNC servers keep it in a file. */
export function obfuscated(password: string): Buffer {
  const plain = Buffer.alloc(8);
  Buffer.from(password, 'latin1').copy(plain, 0, 0, 8);
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([FILE_KEY, FILE_KEY, FILE_KEY]), null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(plain), cipher.final()]);
}

async function ownCertificate(directory: string): Promise<{ readonly key: string; readonly certificate: string }> {
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
    ...['-subj', '/CN=test desktop', '-keyout', key, '-out', certificate],
  ]);
  return { key, certificate };
}

export async function startXvnc(options: XvncOptions = {}): Promise<Xvnc> {
  ensureXvnc();
  const password = options.password ?? 'otters77';
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-xvnc-'));
  const passwordFile = join(directory, 'password');
  const { key, certificate } = options.certificate ?? (await ownCertificate(directory));

  await writeFile(passwordFile, obfuscated(password), { mode: 0o600 });
  const port = await freePort();
  let log = '';
  const server = spawn(
    XVNC,
    [
      ...[ownDisplay(), '-displayfd', '3', '-rfbport', String(port), '-interface', '127.0.0.1', '-UseIPv6=0'],
      ...['-geometry', options.geometry ?? '1024x768', '-depth', '24', '-AlwaysShared', '-nolisten', 'tcp'],
      ...['-SecurityTypes', options.securityTypes ?? 'X509Vnc', '-PasswordFile', passwordFile],
      ...[
        '-X509Key',
        key,
        '-X509Cert',
        certificate,
        '-Log',
        '*:stderr:30,Selection:stderr:100',
        '-BlacklistThreshold',
        '1000000',
      ],
      ...(options.arguments ?? []),
    ],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] },
  );
  server.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const display = await new Promise<string>((resolve, reject) => {
    let text = '';
    (server.stdio[3] as Readable).on('data', (bytes: Buffer) => {
      text += bytes.toString();
      if (text.includes('\n')) resolve(`:${text.trim()}`);
    });
    server.once('exit', (code) => reject(new Error(`Xvnc ended with ${code}: ${log}`)));
  });
  await until(() => {
    if (server.exitCode !== null) throw new Error(`Xvnc ended with ${server.exitCode}: ${log}`);
    return answers(port);
  });
  const env = { ...process.env, DISPLAY: display, XAUTHORITY: '/dev/null', LC_ALL: 'C.UTF-8' };
  const programs = new Set<ChildProcess>();
  const der = new X509Certificate(await readFile(certificate)).raw;
  const count = (words: RegExp): number => [...log.matchAll(words)].length;
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    for (const program of programs) program.kill('SIGKILL');
    server.kill('SIGTERM');
    await exited;
  };
  return {
    host: '127.0.0.1',
    port,
    display,
    password,
    fingerprint: `SHA256:${createHash('sha256').update(der).digest('base64').replace(/=+$/u, '')}`,
    log: () => log,
    signIns: () => count(/VNCSConnST:\s+Server default pixel format|AuthFailureException/gu),
    run: async (program, ...arguments_) => (await run(program, [...arguments_], { env, timeout: PATIENCE_MS })).stdout,
    start(program, ...arguments_) {
      const child = spawn(program, [...arguments_], { env, stdio: 'ignore' });
      programs.add(child);
      child.once('exit', () => programs.delete(child));
      return child;
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
