import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { startSshd } from '@enchilada/core/testing/servers/sshd';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { WebSocket } from 'ws';
import { Site } from '../tests/site.ts';
import type { BareTarget } from './bare-shell.ts';
import { within } from './measure.ts';

/** A folder of this run's own, removed at the end; what the target's account reads lies in it. */
export class Workplace implements AsyncDisposable {
  readonly folder: string;
  readonly cert: string;
  readonly key: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.cert = join(folder, 'cert.pem');
    this.key = join(folder, 'key.pem');
  }

  static async make(): Promise<Workplace> {
    const folder = await mkdtemp(join(tmpdir(), 'enchilada-bench-'));
    await chmod(folder, 0o755);
    const place = new Workplace(folder);
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    await promisify(execFile)('openssl', [
      'req',
      '-x509',
      ...curve,
      ...subject,
      '-keyout',
      place.key,
      '-out',
      place.cert,
    ]);
    setDefaultCACertificates([...getCACertificates('default'), await readFile(place.cert, 'utf8')]);
    return place;
  }

  /** A file that every account may read. Answers its path. */
  async file(name: string, content: Uint8Array): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, content, { mode: 0o644 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export type Recording = 'strict' | 'off';

/** The product with TLS and its defaults; only the number of sessions a person may have, and recording where it is compared, differ. */
export function configOf(place: Workplace, recording: Recording = 'strict'): string {
  const lines = [
    'tls:',
    `  cert: ${place.cert}`,
    `  key: ${place.key}`,
    'sessions: { perUser: 2000 }',
    'log: { level: warn }',
    ...(recording === 'strict' ? [] : ['recording: { mode: off }']),
  ];
  return `${lines.join('\n')}\n`;
}

export function startSite(place: Workplace, recording: Recording = 'strict', profile?: string): Promise<Site> {
  const options = process.env['NODE_OPTIONS'] ?? '';
  return Site.start({
    config: configOf(place, recording),
    ...(profile === undefined
      ? {}
      : { environment: { NODE_OPTIONS: `${options} --cpu-prof --cpu-prof-dir=${profile}` } }),
  });
}

export function startTarget(): Promise<Sshd> {
  return startSshd({
    hostKeyTypes: ['ed25519'],
    config: ['MaxStartups 1000', 'MaxSessions 1000', 'LogLevel INFO', 'PrintLastLog no', 'PrintMotd no'],
  });
}

/** The bare pipe as its own process. */
export class BarePipe implements AsyncDisposable {
  readonly pid: number;
  readonly #port: number;
  readonly #stop: () => Promise<void>;

  private constructor(facts: { readonly pid: number; readonly port: number; readonly stop: () => Promise<void> }) {
    this.pid = facts.pid;
    this.#port = facts.port;
    this.#stop = facts.stop;
  }

  /** `program`: the pipe's own, beside this file. */
  static async start(place: Workplace, target: BareTarget, program = 'bare-pipe.ts'): Promise<BarePipe> {
    const child = spawn(
      process.execPath,
      ['--conditions=source', join(import.meta.dirname, program), place.cert, place.key],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    child.stdin.write(
      `${JSON.stringify({ host: target.host, port: target.port, username: target.username, password: target.password })}\n`,
    );
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const port = await within(
      20_000,
      'the start of the bare pipe',
      new Promise<number>((resolve) =>
        createInterface({ input: child.stdout }).once('line', (line) => resolve(Number(line))),
      ),
    );
    const stop = async (): Promise<void> => {
      child.kill('SIGTERM');
      await gone;
    };
    return new BarePipe({ pid: child.pid ?? 0, port, stop });
  }

  async connect(): Promise<WebSocket> {
    const socket = new WebSocket(`wss://localhost:${this.#port}/`, {
      perMessageDeflate: false,
      rejectUnauthorized: false,
      maxPayload: 256 * 1024 * 1024,
    });
    await within(
      10_000,
      'the bare pipe',
      new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)),
    );
    return socket;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop();
  }
}
