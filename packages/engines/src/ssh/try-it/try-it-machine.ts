import { timingSafeEqual, createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Secret, type Credential } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { PresentedHostKey } from '@enchilada/core/target';
import { randomId, type RandomSource } from '@enchilada/core/time';
import ssh2, { type Connection, type Session } from 'ssh2';
import { presentedHostKey } from '../connect-hop.ts';
import { makeHostKeyPair } from '../host-key-pair.ts';
import { streamPair } from './stream-pair.ts';
import { imitatedShells } from './imitated-shell.ts';
import type { ShellHost } from './shell-host.ts';
import { prepareShells } from './unprivileged-shell.ts';

const USERNAME = 'guest';
const MAX_SHELLS = 8;
/** Bytes of output that may wait for the client before the shell is paused. */
const OUTPUT_HIGH = 256 * 1024;
const MAX_SIZE = 1_000;

function greeting({ isImitation }: ShellHost): string {
  return [
    '',
    '  Welcome. This is a small machine inside your bastion, made for trying things out.',
    isImitation
      ? '  It only imitates a shell, because no way was found here to lock a real one in: try "help".'
      : '  It is yours alone, it is not root, and it vanishes once you add a machine of your own.',
    '  What you see here is being recorded: leave with "exit", then play it back.',
    '',
    '',
  ].join('\r\n');
}

export interface TryItMachineOptions {
  readonly random: RandomSource;
  readonly maxShells?: number;
  /** Where the shells come from; by default the safest that this computer has. */
  readonly shells?: Promise<ShellHost>;
  /** Hears how the shells are locked in, once that was proven. */
  readonly onReady?: (host: Pick<ShellHost, 'confinement' | 'isImitation'>) => void;
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
function serveSession(session: Session, host: ShellHost, seats: { readonly max: number; taken: number }): void {
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
    if (command === undefined) channel.write(greeting(host));
    const shell = host.openShell({ ...terminal, ...(command === undefined ? {} : { command }) });
    let running = true;
    resize = (columns, rows) => {
      if (running) shell.resize(columns, rows);
    };
    let waiting = 0;
    shell.onData((bytes) => {
      waiting += bytes.length;
      if (waiting > OUTPUT_HIGH) shell.pause();
      channel.write(bytes, () => {
        waiting -= bytes.length;
        if (running && waiting <= OUTPUT_HIGH / 2) shell.resume();
      });
    });
    channel.on('data', (bytes: Buffer) => {
      if (running) shell.write(bytes);
    });
    // Its `close` follows and says what is to be said; without a listener an error would end the process.
    channel.on('error', () => undefined);
    channel.on('close', () => {
      if (running) shell.hangUp();
    });
    shell.onExit(({ exitCode, signal }) => {
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

interface Desk {
  readonly password: string;
  /** Nobody is let in before it is known where a shell comes from. */
  readonly ready: Promise<unknown>;
  readonly onSession: (session: Session) => void;
}

function serve(connection: Connection, { password, ready, onSession }: Desk): void {
  connection.on('error', () => connection.end());
  connection.on('authentication', (context) => {
    if (context.method === 'password' && context.username === USERNAME && sameText(context.password, password))
      void ready.then(() => context.accept());
    else context.reject(['password']);
  });
  // Forwarding, SFTP and every other request stay refused: nothing listens for them.
  connection.on('session', (accept) => onSession(accept()));
}

/** Serves at once; proving how its shells are locked in goes on meanwhile, and the first shell waits for it. */
export function createTryItMachine({
  random,
  maxShells = MAX_SHELLS,
  shells = prepareShells(randomId(random)),
  onReady,
}: TryItMachineOptions): TryItMachine {
  const password = randomId(random);
  const hostPair = makeHostKeyPair();
  let known: ShellHost | undefined;
  // A folder that cannot be made, or anything else that fails here, is no reason to lock anybody out.
  const host = shells
    .catch(() => imitatedShells())
    .then((found) => {
      known = found;
      onReady?.(found);
      return found;
    });
  const seats = { max: maxShells, taken: 0 };
  const streams = new Set<Duplex>();
  let isClosed = false;
  const server = new ssh2.Server({ hostKeys: [hostPair.privateKey], ident: 'Enchilada' }, (connection) =>
    serve(connection, {
      password,
      ready: host,
      onSession: (session) => {
        serveSession(session, known ?? imitatedShells(), seats);
      },
    }),
  );

  return {
    hostKey: presentedHostKey(hostPair.publicKey.getPublicSSH()),
    credential: { kind: 'password', username: USERNAME, password: new Secret(password) },
    connect() {
      if (isClosed) throw new Fault('TARGET_REFUSED', 'the built-in machine is gone');
      const [ours, theirs] = streamPair();
      streams.add(ours);
      // Its `close` follows and says what is to be said; without a listener an error would end the process.
      ours.on('error', () => undefined);
      ours.on('close', () => streams.delete(ours));
      server.injectSocket(ours as never);
      return theirs;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      for (const stream of streams) stream.destroy();
      await (await host)[Symbol.asyncDispose]();
    },
  };
}
