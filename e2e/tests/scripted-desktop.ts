import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { greeting } from '../product/index.ts';

export const SIZE = { width: 2, height: 2 };

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
};

/** FramebufferUpdate of one Raw rectangle. */
export const picture = (colour: number): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0]), Buffer.alloc(16, colour)]);

/** ServerCutText, plain. */
export const cutText = (text: string): Buffer =>
  Buffer.concat([Buffer.of(3, 0, 0, 0), u32(text.length), Buffer.from(text)]);

const SERVER_INIT = Buffer.concat([
  Buffer.from([0, 2, 0, 2, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]),
  u32(4),
  Buffer.from('desk'),
]);

/** A desktop over VNC that says what the test wants, once a viewer has greeted it. */
export class ScriptedDesktop implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#sockets = sockets;
  }

  static async start(said: Uint8Array): Promise<ScriptedDesktop> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      const replies: [after: number, Uint8Array][] = [
        [12, Buffer.of(1, 1)],
        [13, u32(0)],
        [14, SERVER_INIT],
        [greeting(SIZE).length, said],
      ];
      let heard = 0;
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      socket.on('data', (bytes) => {
        heard += bytes.length;
        while (replies[0] !== undefined && heard >= replies[0][0]) socket.write(replies.shift()?.[1] ?? '');
      });
      socket.write('RFB 003.008\n');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ScriptedDesktop(server, sockets);
  }

  /** To viewers whose first picture is there. */
  say(bytes: Uint8Array): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
