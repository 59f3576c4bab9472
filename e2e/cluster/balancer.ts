import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Person } from '../product/index.ts';

/** One public address for two nodes. The test says which of them the next request goes to. */
export class Balancer implements AsyncDisposable {
  turn: 'a' | 'b' = 'a';
  /** What it says of whoever asks, instead of what they say themselves, and from which address of this machine: an authenticating proxy. */
  vouches: { readonly from: string; readonly headers: Readonly<Record<string, string>> } | undefined;
  readonly url: string;
  readonly #server: Server;
  #ports: ReadonlyMap<string, number> = new Map();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://localhost:${(server.address() as AddressInfo).port}`;
    server.on('request', (incoming, outgoing) => {
      const { method, url, headers } = incoming;
      const to = {
        ...{ host: '127.0.0.1', port: this.#ports.get(this.turn), method, path: url },
        headers: { ...headers, ...this.vouches?.headers },
        localAddress: this.vouches?.from,
        // One that is kept may be closed by the node while the next request is on its way.
        agent: false,
      };
      const onward = forward(to, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(onward);
    });
  }

  static async start(): Promise<Balancer> {
    const server = createServer().listen(0, 'localhost');
    await once(server, 'listening');
    return new Balancer(server);
  }

  /** Nodes are told this address as they start, and have theirs then. */
  serve({ ports }: { readonly ports: ReadonlyMap<string, number> }): void {
    this.#ports = ports;
  }

  /** The same login at a node itself, for what is not passed on here: sockets. */
  straight(person: Person, node: 'a' | 'b'): Person {
    const there = new Person(`http://localhost:${this.#ports.get(node) ?? 0}`);
    Object.defineProperty(there, 'origin', { value: this.url });
    there.cookie = person.cookie;
    return there;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/** A page of ours without a browser, before anybody has signed in: sends what it sends, and keeps its cookies. */
export class DoorPage {
  readonly #url: string;
  readonly #cookies = new Map<string, string>();

  constructor(publicUrl: string) {
    this.#url = publicUrl;
  }

  async send(path: string, body: object): Promise<Response> {
    const response = await fetch(`${this.#url}/api/v1${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-enchilada': '1',
        origin: this.#url,
        cookie: [...this.#cookies].map(([key, value]) => `${key}=${value}`).join('; '),
      },
      body: JSON.stringify(body),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      this.#cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    return response;
  }

  get isSignedIn(): boolean {
    return this.#cookies.has('__Host-enchilada');
  }

  get person(): Person {
    const person = new Person(this.#url);
    person.cookie = `__Host-enchilada=${this.#cookies.get('__Host-enchilada') ?? ''}`;
    return person;
  }
}
