import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** The line from a client to its database. It can be told to break when a transaction is on its way: done over there, unheard of here. */
export class DatabaseLine implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** What the transaction says whose answer shall be lost. */
  #marked: RegExp | undefined;
  /** Answers that were lost. */
  lost = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<DatabaseLine> {
    const line = new DatabaseLine(createServer());
    line.#server.on('connection', (client) => {
      line.#carry(client, connect(port, '127.0.0.1'));
    });
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The answer to the commit of the next transaction that says this never arrives. */
  loseCommitOf(said: RegExp): void {
    this.#marked = said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #carry(client: Socket, database: Socket): void {
    let isMarked = false;
    let isCommitting = false;
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    client.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      if (this.#marked?.test(text) === true) {
        isMarked = true;
        this.#marked = undefined;
      }
      isCommitting = isMarked && /commit/iu.test(text);
      database.write(bytes);
    });
    database.on('data', (bytes) => {
      if (!isCommitting) {
        client.write(bytes);
        return;
      }
      if (client.destroyed) return;
      // The answer is here, so it is done.
      this.lost += 1;
      client.destroy();
    });
  }
}
