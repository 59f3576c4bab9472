import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { freePort } from '../free-port.ts';
import { ownDisplay } from '../own-display.ts';

const run = promisify(execFile);
/** A program of a screen that waits for what never comes must not hold a test for ever. */
const PATIENCE_MS = 120_000;
const SHADOW = '/usr/bin/freerdp-shadow-cli';
// The shadow server looks at the screens and connects anew; a server that begins anew in between would let nobody in.
const SCREEN = ['-screen', '0', '1024x768x24', '-nolisten', 'tcp', '-noreset'];

/** A real RDP server that demands network level authentication: FreeRDP's shadow server on a display of its own. */
export interface RdpShadow extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** `SHA256:…` of its certificate. */
  readonly fingerprint: string;
  readonly display: string;
  log(): string;
  /** Attempts to sign in, refused or accepted. */
  signIns(): number;
  /** Runs a program on the desktop until it ends. Answers what it printed. */
  run(program: string, ...arguments_: readonly string[]): Promise<string>;
  /** Starts a program that lives as long as the desktop. */
  start(program: string, ...arguments_: readonly string[]): ChildProcess;
  /** Gives the desktop another size, of at most 1024 × 768, as somebody at the machine does: nobody asked for it by RDP. */
  resize(width: number, height: number): Promise<void>;
  /** Ends the server, as a machine that is shut down. */
  stop(): Promise<void>;
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

interface OnScreen {
  readonly screen: ChildProcess;
  readonly display: string;
  readonly shadow: ChildProcess;
  readonly port: number;
  log(): string;
}

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
};

async function onScreen(directory: string, sam: string): Promise<OnScreen> {
  const screen = spawn('Xvfb', [ownDisplay(), '-displayfd', '3', ...SCREEN], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const display = await new Promise<string>((resolve, reject) => {
    let text = '';
    (screen.stdio[3] as unknown as Readable).on('data', (bytes: Buffer) => {
      text += bytes.toString();
      if (text.includes('\n')) resolve(`:${text.trim()}`);
    });
    screen.once('exit', (code) => reject(new Error(`Xvfb ended with ${code}`)));
  });
  const port = await freePort();
  let log = '';
  const shadow: ChildProcess = spawn(
    SHADOW,
    [`/port:${port}`, '/bind-address:127.0.0.1', '/sec:nla', `/sam-file:${sam}`, '+auth'],
    { env: { ...process.env, DISPLAY: display, HOME: directory }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  for (const stream of [shadow.stdout, shadow.stderr]) stream?.on('data', (bytes: Buffer) => (log += bytes.toString()));
  while (!(await answers(port))) {
    if (shadow.exitCode !== null) {
      await stop(screen);
      throw new Error(`the shadow server ended with ${shadow.exitCode}: ${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { screen, display, shadow, port, log: () => log };
}

export async function startRdpShadow(): Promise<RdpShadow> {
  if (!existsSync(SHADOW)) throw new Error('a test RDP server needs the Debian package freerdp2-shadow-x11');
  const [username, password] = ['otter', 'Seven-calm-otters'];
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-shadow-'));
  const { stdout } = await run('winpr-hash', ['-u', username, '-p', password]);
  const sam = join(directory, 'sam');
  await writeFile(sam, `${username}:::${stdout.trim().split(':').at(-1) ?? ''}:::\n`, { mode: 0o600 });
  const { screen, display, shadow, port, log } = await onScreen(directory, sam);
  const env = { ...process.env, DISPLAY: display, XAUTHORITY: '/dev/null', LC_ALL: 'C.UTF-8' };
  const programs = new Set<ChildProcess>();
  const onDesktop = async (program: string, ...arguments_: readonly string[]): Promise<string> =>
    (await run(program, [...arguments_], { env, timeout: PATIENCE_MS })).stdout;
  const certificate = await readFile(join(directory, '.config', 'freerdp', 'shadow', 'shadow.crt'));
  const der = new X509Certificate(certificate).raw;
  return {
    host: '127.0.0.1',
    port,
    username,
    password,
    fingerprint: `SHA256:${createHash('sha256').update(der).digest('base64').replace(/=+$/u, '')}`,
    display,
    log,
    signIns: () => [...log().matchAll(/AcceptSecurityContext status SEC_I_CONTINUE_NEEDED/gu)].length,
    run: onDesktop,
    async resize(width, height) {
      const mode = `${width}x${height}`;
      if (!(await onDesktop('xrandr')).includes(` ${mode} `)) {
        const timing = [0, 20, 40, 60].map((more) => width + more).concat([0, 1, 2, 3].map((more) => height + more));
        await onDesktop('xrandr', '--newmode', mode, '43.0', ...timing.map(String));
        await onDesktop('xrandr', '--addmode', 'screen', mode);
      }
      await onDesktop('xrandr', '--output', 'screen', '--mode', mode);
    },
    start(program, ...arguments_) {
      const child = spawn(program, [...arguments_], { env, stdio: 'ignore' });
      programs.add(child);
      child.once('exit', () => programs.delete(child));
      return child;
    },
    stop: () => stop(shadow),
    async [Symbol.asyncDispose]() {
      for (const program of programs) program.kill('SIGKILL');
      await stop(shadow);
      await stop(screen);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
