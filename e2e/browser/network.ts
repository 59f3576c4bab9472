import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { freePort } from '@enchilada/core/testing/free-port';
import { Site } from '../tests/site.ts';

/** The network between browsers and the gateway. */
export class Network implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The gateway's ends of the sockets that carry output. */
  readonly #carrying: Socket[] = [];
  #isCut = false;

  private constructor(server: Server, gatewayPort: number) {
    this.#server = server;
    this.url = `http://localhost:${(server.address() as AddressInfo).port}`;
    server.on('connection', (browser) => {
      if (this.#isCut) {
        browser.destroy();
        return;
      }
      const gateway = connect(gatewayPort, '127.0.0.1');
      for (const [socket, other] of [
        [browser, gateway],
        [gateway, browser],
      ] as const) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
      browser.once('data', (request: Buffer) => {
        if (/^GET \/api\/v1\/sessions\/\w+\/data /u.test(request.toString('latin1'))) this.#carrying.push(gateway);
      });
    });
  }

  /** A product that browsers reach through a network alone. */
  static async withSite(): Promise<{ readonly network: Network; readonly site: Site }> {
    for (;;) {
      const port = await freePort();
      const server = createServer().listen(0, 'localhost');
      await once(server, 'listening');
      const network = new Network(server, port);
      try {
        return { network, site: await Site.start({ port, config: `publicUrl: ${network.url}\n` }) };
      } catch (failure) {
        await network[Symbol.asyncDispose]();
        // The system may have given it to somebody else since.
        if (!String(failure).includes('the port is taken')) throw failure;
      }
    }
  }

  /** Takes no more output from the gateway; everything else goes on, and so do sockets that are opened from now on. */
  jam(): void {
    assert.ok(this.#carrying.length > 0, 'no socket carries output');
    for (const gateway of this.#carrying.splice(0)) gateway.unpipe().pause();
  }

  /** Everything that is open breaks off, and nothing comes through until it is mended. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
