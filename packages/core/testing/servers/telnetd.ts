import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { ensurePackage } from './database-server.ts';
import { testAccount } from './sshd.ts';

const TELNETD = '/usr/sbin/telnetd';
/** The one variable that it takes from clients. */
const ACCEPTED_VARIABLE = 'ENCHILADA_TEST';

/** A real telnetd of GNU inetutils with the system's own log-in program, on a port of the system's choice. */
export interface Telnetd extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** Connections it was started for. */
  connections(): number;
}

async function ensureTelnetd(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('a test telnetd needs root: its log-in program changes accounts');
  await ensurePackage('inetutils-telnetd', TELNETD);
}

/** telnetd serves the connection it is started with, as inetd starts it; this listens in inetd's place. */
export async function startTelnetd(): Promise<Telnetd> {
  await ensureTelnetd();
  const { username, password } = await testAccount();
  const children = new Set<ChildProcess>();
  let connections = 0;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    connections += 1;
    const child = spawn(TELNETD, ['--no-hostinfo', `--accept-env=${ACCEPTED_VARIABLE}`], {
      stdio: [socket, socket, 'ignore'],
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    // The child has the connection now.
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    username,
    password,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      const gone = [...children].map(
        (child) =>
          new Promise<void>((resolve) => {
            child.once('exit', () => resolve());
            child.kill('SIGKILL');
          }),
      );
      await Promise.all(gone);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
