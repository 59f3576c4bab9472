import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseServer } from '@enchilada/core/testing/servers/database-server';
import { startPostgres } from '@enchilada/core/testing/servers/postgres';
import { freePort } from '@enchilada/core/testing/free-port';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { ADMIN, LOOPBACK } from '../tests/site.ts';

export interface TwoNodesOptions {
  readonly sessionsPerUser?: number;
  /** Instead of what lets tests reach this machine. */
  readonly egress?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The nodes speak TLS, with each other too. */
  readonly tls?: NodeTls;
}

/** Paths of PEM files. */
export interface NodeTls {
  readonly cert: string;
  readonly key: string;
  /** The authority by which a node knows the others; absent: those of the system. */
  readonly ca?: string;
}

/** Two processes of the product that share a database and the key-encryption key, and nothing else. */
export class TwoNodes implements AsyncDisposable {
  readonly folder: string;
  readonly database: DatabaseServer;
  readonly databaseUrl: string;
  readonly #options: TwoNodesOptions;
  readonly #owned: AsyncDisposableStack;
  readonly nodes = new Map<string, Gateway>();
  readonly ports = new Map<string, number>();

  private constructor(
    parts: Pick<TwoNodes, 'folder' | 'database' | 'databaseUrl'> & { readonly options: TwoNodesOptions },
    owned: AsyncDisposableStack,
  ) {
    this.folder = parts.folder;
    this.database = parts.database;
    this.databaseUrl = parts.databaseUrl;
    this.#options = parts.options;
    this.#owned = owned;
  }

  static async start(options: TwoNodesOptions = {}): Promise<TwoNodes> {
    await using owned = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'enchilada-nodes-'));
    owned.defer(() => rm(folder, { recursive: true, force: true }));
    const database = owned.use(await startPostgres());
    const databaseUrl = await database.createDatabase();
    await writeFile(join(folder, 'database-url'), databaseUrl, { mode: 0o600 });
    const both = new TwoNodes({ folder, database, databaseUrl, options }, owned.move());
    try {
      await both.startNode('a');
      await both.startNode('b');
    } catch (failure) {
      await both[Symbol.asyncDispose]();
      throw failure;
    }
    return both;
  }

  /** Starts a node, or starts it again with the data that it left. */
  async startNode(name: string): Promise<Gateway> {
    // Nodes must know each other's address before they run.
    const port = await freePort();
    const dataDir = join(this.folder, `node-${name}`);
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const { tls } = this.#options;
    const url = tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
    const config = [
      this.#options.egress ?? LOOPBACK.trim(),
      `node: { id: node-${name}, url: "${url}"${tls?.ca === undefined ? '' : `, ca: ${tls.ca}`} }`,
      ...(tls === undefined ? [] : [`publicUrl: "${url}"`, `tls: { cert: ${tls.cert}, key: ${tls.key} }`]),
      `keyFile: ${join(this.folder, 'key-encryption.key')}`,
      `database: { url: "file:${join(this.folder, 'database-url')}" }`,
      `recording: { directory: ${join(this.folder, 'recordings')} }`,
      `sessions: { perUser: ${this.#options.sessionsPerUser ?? 100} }`,
    ];
    const { environment } = this.#options;
    const gateway = this.#owned.use(
      await Gateway.start({
        ...{ config: `${config.join('\n')}\n`, port, dataDir },
        ...(environment === undefined ? {} : { environment }),
      }),
    );
    this.nodes.set(name, gateway);
    this.ports.set(name, port);
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
