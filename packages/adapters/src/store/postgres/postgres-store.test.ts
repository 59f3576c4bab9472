import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Secret } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import { startPostgres } from '@enchilada/core/testing/servers/postgres';
import { storeServerCases } from '@enchilada/core/testing/store-server-cases';
import { CONNECT_TIMEOUT_MS } from '../shared/server-address.ts';
import { postgres } from './index.ts';

storeServerCases('postgres', { start: startPostgres, open: postgres, alsoForbidden: ['truncate audit'] });

it('lets a crowd wait for its turn for longer than a connection may take to be made', async () => {
  await using server = await startPostgres();
  await using store = postgres({ url: new Secret(await server.createDatabase()), poolSize: 1 });
  await store.migrate();
  await store.now.settings.set('kept', 'yes');
  const entered = Promise.withResolvers<undefined>();
  const release = Promise.withResolvers<undefined>();
  const slow = store.transaction(async () => {
    entered.resolve(undefined);
    await release.promise;
  });
  await entered.promise;
  const crowd = Promise.all(Array.from({ length: 20 }, () => store.now.settings.get('kept')));
  await setTimeout(CONNECT_TIMEOUT_MS + 1_000);
  release.resolve(undefined);
  await slow;
  assert.deepEqual([...new Set(await crowd)], ['yes']);
});

it('gives a server that accepts and never answers no longer than a connection may take to be made', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  await using store = postgres({ url: new Secret(`postgres://u:p@127.0.0.1:${port}/d`), poolSize: 1 });
  const begun = performance.now();
  await assert.rejects(store.probe(), (error) => isFault(error, 'STORE_UNAVAILABLE'));
  // Far from both: the time to make a connection, and the time to wait for one.
  assert.ok(performance.now() - begun < 6 * CONNECT_TIMEOUT_MS);
  silent.close();
});
