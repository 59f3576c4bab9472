import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '@enchilada/core/testing/servers/postgres';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { ADMIN, LOOPBACK } from '../tests/site.ts';

/** Nodes must know each other's address before they run, so the system is asked for a port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Two processes of the product that share a database and the key-encryption key, and nothing else. */
export class TwoNodes implements AsyncDisposable {
  readonly folder: string;
  readonly #databaseUrlFile: string;
  readonly #owned: AsyncDisposableStack;
  readonly nodes = new Map<string, Gateway>();

  private constructor(folder: string, databaseUrlFile: string, owned: AsyncDisposableStack) {
    this.folder = folder;
    this.#databaseUrlFile = databaseUrlFile;
    this.#owned = owned;
  }

  static async start(): Promise<TwoNodes> {
    await using owned = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'enchilada-nodes-'));
    owned.defer(() => rm(folder, { recursive: true, force: true }));
    const database = owned.use(await startPostgres());
    const file = join(folder, 'database-url');
    await writeFile(file, await database.createDatabase(), { mode: 0o600 });
    const both = new TwoNodes(folder, file, owned.move());
    try {
      await both.startNode('a');
      await both.startNode('b');
    } catch (failure) {
      await both[Symbol.asyncDispose]();
      throw failure;
    }
    return both;
  }

  async startNode(name: string): Promise<Gateway> {
    const port = await freePort();
    const config = [
      LOOPBACK.trim(),
      `node: { id: node-${name}, url: "http://127.0.0.1:${port}" }`,
      `keyFile: ${join(this.folder, 'key-encryption.key')}`,
      `database: { url: "file:${this.#databaseUrlFile}" }`,
      'sessions: { perUser: 100 }',
    ];
    const gateway = this.#owned.use(await Gateway.start({ config: `${config.join('\n')}\n`, port }));
    this.nodes.set(name, gateway);
    return gateway;
  }

  get a(): Gateway {
    return this.#node('a');
  }

  get b(): Gateway {
    return this.#node('b');
  }

  /** The administrator, at node A, whose own link is used. */
  bootstrap(): Promise<Person> {
    return Person.bootstrap(this.a, ADMIN);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  #node(name: string): Gateway {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`there is no node ${name}`);
    return node;
  }
}
