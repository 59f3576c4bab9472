import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * Below the ports that systems hand out by themselves: until a port is used, no connection and no server of another
 * test can be given it, and none that is asked whether it answers can reach itself.
 */
const [FIRST, PAST] = [20_000, 32_000];

/** A loopback port on which nothing listens at the moment. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, PAST);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw failure;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** A loopback port that refuses, now and later: below 1024 the system gives none to whoever asks it for a free one. */
export async function closedPort(): Promise<number> {
  for (;;) {
    const port = randomInt(600, 1024);
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (!isOpen) return port;
  }
}
