import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { ownDisplay } from '../own-display.ts';
import { answers, obfuscated } from './xvnc.ts';

const XTIGHTVNC = '/usr/bin/Xtightvnc';

/** A real TightVNC desktop: the server whose security type Tight is. */
export interface Xtightvnc extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly password: string;
  readonly display: string;
  log(): string;
  /** Starts a program that lives as long as the desktop. */
  start(program: string, ...arguments_: readonly string[]): ChildProcess;
}

export interface XtightvncOptions {
  readonly asksPassword: boolean;
  readonly geometry?: string;
}

export async function startXtightvnc(options: XtightvncOptions): Promise<Xtightvnc> {
  if (!existsSync(XTIGHTVNC)) throw new Error('a test desktop needs the Debian package tightvncserver');
  const password = 'otters77';
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-xtightvnc-'));
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, obfuscated(password), { mode: 0o600 });
  const [port, display] = [await freePort(), ownDisplay()];
  let log = '';
  const server = spawn(
    XTIGHTVNC,
    [
      ...[display, '-rfbport', String(port), '-localhost', '-nolisten', 'tcp'],
      ...['-geometry', options.geometry ?? '64x48', '-depth', '24', '-alwaysshared'],
      ...(options.asksPassword ? ['-rfbauth', passwordFile] : []),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  server.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const programs = new Set<ChildProcess>();
  const stop = async (): Promise<void> => {
    for (const program of programs) program.kill('SIGKILL');
    server.kill('SIGTERM');
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
  while (!(await answers(port))) {
    if (server.exitCode !== null) {
      await stop();
      throw new Error(`Xtightvnc ended with ${server.exitCode}: ${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const env = { ...process.env, DISPLAY: display, XAUTHORITY: '/dev/null' };
  return {
    ...{ host: '127.0.0.1', port, password, display, log: () => log },
    start(program, ...arguments_) {
      const child = spawn(program, [...arguments_], { env, stdio: 'ignore' });
      programs.add(child);
      child.once('exit', () => programs.delete(child));
      return child;
    },
    [Symbol.asyncDispose]: stop,
  };
}
