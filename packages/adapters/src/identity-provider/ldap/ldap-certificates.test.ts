import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { TestAuthority, WRONG_CERTIFICATES } from '@enchilada/core/testing/certificate-authority';
import { LdapProvider } from './ldap-provider.ts';

/** TLS may begin: ExtendedResponse, success (RFC 4511 section 4.14). */
function startTlsAnswer(request: Buffer): Buffer {
  const messageId = request[4] ?? 0;
  return Buffer.from([0x30, 12, 2, 1, messageId, 0x78, 7, 10, 1, 0, 4, 0, 4, 0]);
}

interface Shown {
  readonly key: string;
  readonly cert: string;
  readonly startTls: boolean;
}

/** What whoever holds the certificate is told once TLS stands, over LDAPS or after StartTLS. */
class Directory implements AsyncDisposable {
  told = 0;
  readonly #server = createServer((socket) => this.#accept(socket));
  readonly #options: Shown;

  private constructor(options: Shown) {
    this.#options = options;
  }

  static async start(options: Shown): Promise<Directory> {
    const directory = new Directory(options);
    await new Promise<void>((resolve) => directory.#server.listen(0, 'localhost', resolve));
    return directory;
  }

  get address(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${this.#options.startTls ? 'ldap' : 'ldaps'}://localhost:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined);
    if (!this.#options.startTls) {
      this.#secure(socket);
      return;
    }
    socket.once('data', (request: Buffer) => {
      socket.pause();
      socket.write(startTlsAnswer(request));
      this.#secure(socket);
    });
  }

  #secure(socket: Socket): void {
    const secureContext = createSecureContext(this.#options);
    const secured = new TLSSocket(socket, { isServer: true, secureContext });
    secured.on('error', () => undefined);
    secured.on('data', (bytes: Buffer) => {
      this.told += bytes.length;
      secured.destroy();
    });
  }
}

describe('certificates of a directory', () => {
  let authority: TestAuthority;
  before(async () => {
    authority = await TestAuthority.create();
  });
  after(() => authority[Symbol.asyncDispose]());

  async function told(name: string, issuers: readonly string[], startTls: boolean): Promise<number> {
    const [key, cert] = await Promise.all([
      readFile(authority.path(`${name}.key`), 'utf8'),
      readFile(await authority.chain(name, ...issuers), 'utf8'),
    ]);
    await using directory = await Directory.start({ key, cert, startTls });
    const provider = new LdapProvider({
      id: 'idp_x',
      parameters: {
        servers: [directory.address],
        bindDn: 'cn=searcher',
        peopleBase: 'ou=people',
        groupBase: 'ou=groups',
      },
      secret: new Secret('password of the searcher'),
    });
    const asked = provider.verify('alice', new Secret('password of alice'));
    // Who is told something breaks off: neither is an answer.
    await assert.rejects(asked, (failure) => failure instanceof Fault && failure.code === 'PROVIDER_UNAVAILABLE');
    return directory.told;
  }

  it('one that a trusted authority vouches for is told who asks', async () => {
    await authority.issue('good', { issuer: 'trusted' });
    const [implicit, startTls] = await Promise.all([told('good', [], false), told('good', [], true)]);
    assert.ok(implicit > 0 && startTls > 0, `${implicit} ${startTls}`);
  });

  it('one that is wrong in anything is told nothing, over LDAPS and after StartTLS', async () => {
    const all = await Promise.all(
      WRONG_CERTIFICATES.map(async ([kind, request, issuers]) => {
        const name = kind.replaceAll(/\W/gu, '-');
        await authority.issue(name, request);
        return { kind, told: await Promise.all([told(name, issuers, false), told(name, issuers, true)]) };
      }),
    );
    assert.deepEqual(
      all,
      WRONG_CERTIFICATES.map(([kind]) => ({ kind, told: [0, 0] })),
    );
  });
});
