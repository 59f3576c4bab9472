import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DiscoverySource, Sighting } from '@enchilada/core/discovery';
import { isFault } from '@enchilada/core/fault';
import { systemClock as clock } from '@enchilada/core/testing/authorized';
import { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { inventoryEndpoint } from './index.ts';

const { signal } = new AbortController();
const EGRESS = { allowLoopback: true, allow: [], deny: [], allowOwnServices: false };

describe('an inventory behind an address', () => {
  const certificate = new LoopbackCertificate();
  let server: Server;
  let folder: string;
  let answer: { status: number; body: string; headers?: Record<string, string> };
  const authorizations: (string | undefined)[] = [];
  before(async () => {
    certificate.trust();
    folder = await mkdtemp(join(tmpdir(), 'enchilada-endpoint-'));
    await writeFile(join(folder, 'cmdb.token'), 'sesame\n');
    server = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
      authorizations.push(request.headers.authorization);
      response.writeHead(answer.status, answer.headers);
      if (answer.headers?.['content-length'] === undefined) response.end(answer.body);
      else response.write(answer.body, () => request.socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    certificate[Symbol.dispose]();
    await rm(folder, { recursive: true });
  });
  const url = (): string => `https://127.0.0.1:${(server.address() as AddressInfo).port}/machines`;
  const open = (parameters: object = {}, egress = EGRESS): Promise<DiscoverySource> =>
    inventoryEndpoint({ clock, folder, egress }).open(
      aSource({ kind: 'inventory-endpoint', parameters: { url: url(), everySeconds: 5, ...parameters } }),
    );
  const listed = async (source: DiscoverySource): Promise<readonly Sighting[]> => {
    const [scope] = await source.scopes(signal);
    assert.ok(scope);
    const pages: (readonly Sighting[])[] = [];
    for await (const page of source.scan(scope, signal)) pages.push(page);
    return pages.flat();
  };

  it('is a list of machines, asked for with the token of a file', async () => {
    answer = { status: 200, body: '{"machines": [{"name": "web-1", "address": "10.0.0.1"}]}' };
    await using source = await open({ tokenFile: 'cmdb.token' });
    assert.deepEqual(
      (await listed(source)).map(({ nativeId, facts }) => [nativeId, facts.privateAddresses[0]]),
      [['web-1', '10.0.0.1']],
    );
    assert.equal(authorizations.at(-1), 'Bearer sesame');
  });

  it('that fails, is refused, redirects or is cut is no empty list', async () => {
    await using source = await open();
    for (const [next, code] of [
      [{ status: 500, body: '' }, 'DISCOVERY_FAILED'],
      [{ status: 401, body: '' }, 'DISCOVERY_DENIED'],
      [{ status: 429, body: '' }, 'DISCOVERY_THROTTLED'],
      [{ status: 302, body: '', headers: { location: 'https://example.com/' } }, 'DISCOVERY_FAILED'],
      [{ status: 200, body: '' }, 'DISCOVERY_FAILED'],
      [{ status: 200, body: '[]', headers: { 'content-length': '100' } }, 'DISCOVERY_FAILED'],
    ] as const) {
      answer = next;
      await assert.rejects(listed(source), (fault) => isFault(fault, code), JSON.stringify(next));
    }
  });

  it('is not asked where egress forbids it', async () => {
    const asked = authorizations.length;
    await using source = await open({}, { ...EGRESS, allowLoopback: false });
    await assert.rejects(
      listed(source),
      (fault) => isFault(fault, 'DISCOVERY_FAILED') && /loopback/u.test(fault.message),
    );
    await using named = await open(
      { url: url().replace('127.0.0.1', 'localhost') },
      { ...EGRESS, allowLoopback: false },
    );
    await assert.rejects(
      listed(named),
      (fault) => isFault(fault, 'DISCOVERY_FAILED') && /loopback/u.test(fault.message),
    );
    await using metadata = await open({ url: 'https://169.254.169.254/latest' });
    await assert.rejects(listed(metadata), (fault) => isFault(fault, 'DISCOVERY_FAILED'));
    assert.equal(authorizations.length, asked);
  });
});
