import { timingSafeEqual, createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Secret, type Credential } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { PresentedHostKey } from '@enchilada/core/target';
import { randomId, type RandomSource } from '@enchilada/core/time';
import ssh2, { type Connection, type Session } from 'ssh2';
import { presentedHostKey } from '../connect-hop.ts';
import { streamPair } from './stream-pair.ts';
import { prepareHome, type UnprivilegedHome } from './unprivileged-shell.ts';

const USERNAME = 'guest';
const MAX_SHELLS = 8;
/** Bytes of output that may wait for the client before the shell is paused. */
const OUTPUT_HIGH = 256 * 1024;
const MAX_SIZE = 1_000;

const GREETING = [
  '',
  '  Welcome. This is a small machine inside your bastion, made for trying things out.',
  '  It is yours alone, it is not root, and it vanishes once you add a machine of your own.',
  '  What you see here is being recorded: leave with "exit", then play it back.',
  '',
  '',
].join('\r\n');

export interface TryItMachineOptions {
  readonly random: RandomSource;
  readonly maxShells?: number;
}

/** A throw-away machine inside the gateway: a real PTY shell behind a real SSH server, reached by a stream pair and never by TCP. */
export interface TryItMachine extends AsyncDisposable {
  /** The client's end of a new connection. */
  connect(): Duplex;
  readonly hostKey: PresentedHostKey;
  /** Made at start, kept in this process only. */
  readonly credential: Credential;
}

interface Terminal {
  readonly terminalType: string;
  readonly columns: number;
  readonly rows: number;
}

const DEFAULT_TERMINAL: Terminal = { terminalType: 'xterm-256color', columns: 80, rows: 24 };

function size(value: number): number {
  return Math.min(Math.max(Math.trunc(value) || 1, 1), MAX_SIZE);
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Serves one session channel: at most one shell or command. */
function serveSession(session: Session, home: UnprivilegedHome, seats: { readonly max: number; taken: number }): void {
  let terminal = DEFAULT_TERMINAL;
  let resize = (_columns: number, _rows: number): void => undefined;
  const start = (
    command: string | undefined,
    accept: () => ssh2.ServerChannel,
    reject: (() => void) | undefined,
  ): void => {
    if (seats.taken >= seats.max) return reject?.();
    seats.taken += 1;
    const channel = accept();
    if (command === undefined) channel.write(GREETING);
    const pty = home.spawnShell({ ...terminal, ...(command === undefined ? {} : { command }) });
    let running = true;
    resize = (columns, rows) => {
      if (running) pty.resize(columns, rows);
    };
    let waiting = 0;
    pty.onData((data) => {
      const bytes = Buffer.from(data);
      waiting += bytes.length;
      if (waiting > OUTPUT_HIGH) pty.pause();
      channel.write(bytes, () => {
        waiting -= bytes.length;
        if (running && waiting <= OUTPUT_HIGH / 2) pty.resume();
      });
    });
    channel.on('data', (bytes: Buffer) => {
      // The terminal takes bytes; its types know text only.
      if (running) pty.write(bytes as unknown as string);
    });
    channel.on('error', () => undefined);
    channel.on('close', () => {
      if (running) pty.kill('SIGHUP');
    });
    pty.onExit(({ exitCode, signal }) => {
      running = false;
      seats.taken -= 1;
      if (signal === undefined || signal === 0) channel.exit(exitCode);
      else channel.exit(128 + signal);
      channel.end();
    });
  };
  session.on('pty', (accept, _reject, info) => {
    terminal = {
      terminalType: /^[A-Za-z0-9][\w.+-]{0,63}$/u.test(info.term ?? '')
        ? (info.term ?? '')
        : DEFAULT_TERMINAL.terminalType,
      columns: size(info.cols),
      rows: size(info.rows),
    };
    accept?.();
  });
  session.on('window-change', (accept, _reject, info) => {
    resize(size(info.cols), size(info.rows));
    accept?.();
  });
  session.on('env', (_accept, reject) => reject?.());
  session.once('shell', (accept, reject) => start(undefined, accept, reject));
  session.once('exec', (accept, reject, info) => start(info.command, accept, reject));
}

function serve(connection: Connection, password: string, onSession: (session: Session) => void): void {
  connection.on('error', () => connection.end());
  connection.on('authentication', (context) => {
    if (context.method === 'password' && context.username === USERNAME && sameText(context.password, password))
      context.accept();
    else context.reject(['password']);
  });
  // Forwarding, SFTP and every other request stay refused: nothing listens for them.
  connection.on('session', (accept) => onSession(accept()));
}

/** @throws Fault SHELL_REFUSED where a shell would have to run as root */
export async function createTryItMachine({
  random,
  maxShells = MAX_SHELLS,
}: TryItMachineOptions): Promise<TryItMachine> {
  const password = randomId(random);
  const home = await prepareHome(randomId(random));
  const hostPair = ssh2.utils.generateKeyPairSync('ed25519');
  const parsed = ssh2.utils.parseKey(hostPair.public);
  if (parsed instanceof Error || Array.isArray(parsed))
    throw new Fault('INTERNAL', 'the host key that was just made cannot be read');
  const seats = { max: maxShells, taken: 0 };
  const streams = new Set<Duplex>();
  let isClosed = false;
  const server = new ssh2.Server({ hostKeys: [hostPair.private], ident: 'Enchilada' }, (connection) =>
    serve(connection, password, (session) => serveSession(session, home, seats)),
  );

  return {
    hostKey: presentedHostKey(parsed.getPublicSSH()),
    credential: { kind: 'password', username: USERNAME, password: new Secret(password) },
    connect() {
      if (isClosed) throw new Fault('TARGET_REFUSED', 'the built-in machine is gone');
      const [ours, theirs] = streamPair();
      streams.add(ours);
      ours.on('error', () => undefined);
      ours.on('close', () => streams.delete(ours));
      server.injectSocket(ours as never);
      return theirs;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      for (const stream of streams) stream.destroy();
      await home[Symbol.asyncDispose]();
    },
  };
}
