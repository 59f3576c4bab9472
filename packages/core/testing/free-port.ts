import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type ListenOptions, type Server } from 'node:net';

/**
 * Below the ports that systems hand out by themselves: until a port is used, no connection and no server of another
 * test can be given it, and none that is asked whether it answers can reach itself.
 */
const [FIRST, PAST] = [20_000, 32_000];

/** A loopback port on which nothing listens at the moment. No other test is given it while this process lives, also where its server is away for a while. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, PAST);
    if ((await claimed(port)) && (await isFree(port))) return port;
  }
}

/** A name in the system's own list (unix(7), abstract sockets), which goes with the process, however it ends. */
async function claimed(port: number): Promise<boolean> {
  const name = await listening({ path: `\0enchilada-test-port-${port}` });
  name?.unref();
  return name !== undefined;
}

async function isFree(port: number): Promise<boolean> {
  const server = await listening({ host: '127.0.0.1', port });
  if (server === undefined) return false;
  server.close();
  await once(server, 'close');
  return true;
}

/** Undefined where somebody else listens there. */
async function listening(where: ListenOptions): Promise<Server | undefined> {
  const server = createServer().listen(where);
  try {
    await once(server, 'listening');
    return server;
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw failure;
  }
}

/**
 * A loopback port that refuses, now and later: below 1024 the system gives none to whoever asks it for a free one. In
 * between lies none of those that `fetch` goes to under no circumstances (636 of LDAP, 989 of FTP and others).
 */
export async function closedPort(): Promise<number> {
  for (;;) {
    const port = randomInt(640, 989);
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (!isOpen) return port;
  }
}
