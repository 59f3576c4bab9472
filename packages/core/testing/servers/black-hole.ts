import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** An address that swallows what is sent to it: no answer, no refusal. */
export interface BlackHole extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

const PROGRAM = [
  'import socket,sys',
  's=socket.socket()',
  's.bind(("127.0.0.1",0))',
  's.listen(0)',
  'print(s.getsockname()[1],flush=True)',
  'sys.stdin.read()',
].join('\n');
/** A connection that takes longer than this over loopback was dropped by the kernel: the first repetition comes after a second. */
const DROPPED_MS = 300;

function connects(host: string, port: number): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let isConnected = false;
    const timer = setTimeout(() => {
      // Where this process had no time to look, the connection may be there: it is heard of before what is immediate.
      setImmediate(() => {
        if (isConnected) return;
        socket.destroy();
        resolve(undefined);
      });
    }, DROPPED_MS);
    socket.once('error', reject);
    socket.once('connect', () => {
      isConnected = true;
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

/** A listener that accepts nothing and whose queue is full: the kernel drops every packet of whoever comes after, as a firewall does. */
export async function startBlackHole(): Promise<BlackHole> {
  const child = spawn('python3', ['-c', PROGRAM]);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const [host, port] = ['127.0.0.1', Number(line.toString())];
  const queue: Socket[] = [];
  for (let next = await connects(host, port); next !== undefined; next = await connects(host, port)) {
    next.on('error', () => undefined);
    queue.push(next);
    if (queue.length > 10) throw new Error('the queue of the listener never fills');
  }
  return {
    host,
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of queue) socket.destroy();
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
}
