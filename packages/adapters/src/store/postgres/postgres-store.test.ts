import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Secret } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import { issueCertificate } from '@enchilada/core/testing/servers/database-server';
import { startPostgres } from '@enchilada/core/testing/servers/postgres';
import { anAuditRecord, aSession } from '@enchilada/core/testing/store-fixture';
import { CONNECT_TIMEOUT_MS } from '../shared/server-address.ts';
import { postgres } from './index.ts';

const unavailable = (error: unknown): boolean => isFault(error, 'STORE_UNAVAILABLE');
const STATEMENTS = [
  "update audit set action = 'x'",
  'delete from audit',
  'update policy_history set at = 0',
  'delete from policy_history',
  "update session set state = 'live', ended_at = null",
  'truncate audit',
];

it('verifies authority and host name of the server before it says the password', async () => {
  const [trusted, other] = [await issueCertificate('localhost'), await issueCertificate('localhost')];
  await using server = await startPostgres({ tls: trusted });
  const url = (await server.createDatabase()).replace('127.0.0.1', 'localhost');
  await using right = postgres({ url: new Secret(url), ca: trusted.ca });
  await right.migrate();
  await right.probe();
  await using wrongAuthority = postgres({ url: new Secret(url), ca: other.ca });
  await assert.rejects(wrongAuthority.probe(), unavailable);
  const foreign = await issueCertificate('db.example');
  await using misnamed = await startPostgres({ tls: foreign });
  const misnamedUrl = (await misnamed.createDatabase()).replace('127.0.0.1', 'localhost');
  await using wrongName = postgres({ url: new Secret(misnamedUrl), ca: foreign.ca });
  await assert.rejects(
    wrongName.probe(),
    (error) => unavailable(error) && /altnames|does not match/iu.test(inspect(error)),
  );
});

it('refuses a server without TLS and names the setting', async () => {
  await using server = await startPostgres();
  const url = (await server.createDatabase()).replace('127.0.0.1', 'localhost');
  const { ca } = await issueCertificate('localhost');
  await using store = postgres({ url: new Secret(url), ca });
  await assert.rejects(
    store.migrate(),
    (error) => isFault(error, 'CONFIGURATION_INVALID') && error.message.includes('database.allowPlaintext'),
  );
});

it('answers STORE_UNAVAILABLE while the server is gone, and serves again once it is back', async () => {
  await using server = await startPostgres();
  await using store = postgres({ url: new Secret(await server.createDatabase()) });
  await store.migrate();
  await store.now.settings.set('kept', 'yes');
  await server.stop();
  await assert.rejects(store.now.settings.get('kept'), unavailable);
  await assert.rejects(
    store.transaction((tx) => tx.settings.set('lost', 'x')),
    unavailable,
  );
  await assert.rejects(store.probe(), unavailable);
  await server.start();
  assert.equal(await store.now.settings.get('kept'), 'yes');
  await store.probe();
});

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
  await assert.rejects(store.probe(), unavailable);
  // Far from both: the time to make a connection, and the time to wait for one.
  assert.ok(performance.now() - begun < 6 * CONNECT_TIMEOUT_MS);
  silent.close();
});

it('has an audit log that SQL can neither change nor shorten, and sessions that stay ended', async () => {
  await using server = await startPostgres();
  const url = await server.createDatabase();
  const skipped: string[] = [];
  await using store = postgres({
    url: new Secret(url),
    onMigrationStep: (step, event) => void (event === 'not-permitted' && skipped.push(step)),
  });
  await store.migrate();
  assert.deepEqual(skipped, []);
  await store.now.audit.append(anAuditRecord('node-1', 1));
  await store.now.sessions.insert(aSession({ id: 'ses_1', state: 'ended', endedAt: 1 }));
  const database = new URL(url).pathname.slice(1);
  for (const statement of STATEMENTS)
    await assert.rejects(server.execute(statement, database), /append-only|may not change/u, statement);
  assert.equal((await store.now.audit.chain('node-1', 0, 10)).length, 1);
});
