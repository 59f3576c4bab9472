import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SHADOW = '/usr/bin/freerdp-shadow-cli';

/** A real RDP server that demands network level authentication: FreeRDP's shadow server on a display of its own. */
export interface RdpShadow extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly display: string;
  log(): string;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
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

export async function startRdpShadow(): Promise<RdpShadow> {
  if (!existsSync(SHADOW)) throw new Error('a test RDP server needs the Debian package freerdp2-shadow-x11');
  const [username, password] = ['otter', 'Seven-calm-otters'];
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-shadow-'));
  const { stdout } = await run('winpr-hash', ['-u', username, '-p', password]);
  const sam = join(directory, 'sam');
  await writeFile(sam, `${username}:::${stdout.trim().split(':').at(-1) ?? ''}:::\n`, { mode: 0o600 });
  const screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], {
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
    if (shadow.exitCode !== null) throw new Error(`the shadow server ended with ${shadow.exitCode}: ${log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const stop = async (child: ChildProcess): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  };
  return {
    host: '127.0.0.1',
    port,
    username,
    password,
    display,
    log: () => log,
    async [Symbol.asyncDispose]() {
      await stop(shadow);
      await stop(screen);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
