import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { GrantAction } from '@enchilada/core/access';
import { greeting, type Shell } from '../product/index.ts';
import type { Site } from './site.ts';

const SIZE = { width: 2, height: 2 };

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

/** The administrator's session on a scripted desktop, and all that it has shown. */
export class ScriptedView implements AsyncDisposable {
  readonly targetId: string;
  readonly shell: Shell;
  shown = Buffer.alloc(0);

  private constructor(targetId: string, shell: Shell) {
    this.targetId = targetId;
    this.shell = shell;
    shell.onBytes = (bytes) => {
      this.shown = Buffer.concat([this.shown, bytes]);
    };
  }

  static async open(
    site: Site,
    { host, port }: ScriptedDesktop,
    { name, actions }: { readonly name?: string; readonly actions?: readonly GrantAction[] } = {},
  ): Promise<ScriptedView> {
    const named = name === undefined ? {} : { name };
    const parameters = { allowCleartext: true };
    const targetId = await site.machine({ ...named, protocol: 'vnc', host, port, parameters }, actions);
    const shell = await site.admin.open(targetId);
    await shell.live();
    const view = new ScriptedView(targetId, shell);
    shell.data.send(greeting(SIZE));
    return view;
  }

  async shows(bytes: Buffer, what: string): Promise<void> {
    await this.shell.until(() => this.shown.includes(bytes), what);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shell[Symbol.asyncDispose]();
  }
}
