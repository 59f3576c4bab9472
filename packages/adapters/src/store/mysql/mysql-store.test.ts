import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import { issueCertificate } from '@enchilada/core/testing/servers/database-server';
import { startMariadb } from '@enchilada/core/testing/servers/mariadb';
import { anAuditRecord, aSession } from '@enchilada/core/testing/store-fixture';
import { mysql } from './index.ts';

const unavailable = (error: unknown): boolean => isFault(error, 'STORE_UNAVAILABLE');
const STATEMENTS = [
  "update audit set action = 'x'",
  'delete from audit',
  'update policy_history set at = 0',
  'delete from policy_history',
  "update session set state = 'live', ended_at = null",
];

it('verifies authority and host name of the server before it says the password', async () => {
  const [trusted, other] = [await issueCertificate('localhost'), await issueCertificate('localhost')];
  await using server = await startMariadb({ tls: trusted });
  const url = (await server.createDatabase()).replace('127.0.0.1', 'localhost');
  await using right = mysql({ url: new Secret(url), ca: trusted.ca });
  await right.migrate();
  await right.probe();
  await using wrongAuthority = mysql({ url: new Secret(url), ca: other.ca });
  await assert.rejects(wrongAuthority.probe(), unavailable);
  const foreign = await issueCertificate('db.example');
  await using misnamed = await startMariadb({ tls: foreign });
  const misnamedUrl = (await misnamed.createDatabase()).replace('127.0.0.1', 'localhost');
  await using wrongName = mysql({ url: new Secret(misnamedUrl), ca: foreign.ca });
  await assert.rejects(
    wrongName.probe(),
    (error) => unavailable(error) && /altnames|does not match/iu.test(inspect(error)),
  );
});

it('refuses a server without TLS and names the setting', async () => {
  await using server = await startMariadb();
  const url = (await server.createDatabase()).replace('127.0.0.1', 'localhost');
  const { ca } = await issueCertificate('localhost');
  await using store = mysql({ url: new Secret(url), ca });
  await assert.rejects(
    store.migrate(),
    (error) => isFault(error, 'CONFIGURATION_INVALID') && error.message.includes('database.allowPlaintext'),
  );
});

it('answers STORE_UNAVAILABLE while the server is gone, and serves again once it is back', async () => {
  await using server = await startMariadb();
  await using store = mysql({ url: new Secret(await server.createDatabase()) });
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

it('has an audit log that SQL can neither change nor shorten, and sessions that stay ended', async () => {
  await using server = await startMariadb();
  const url = await server.createDatabase();
  const skipped: string[] = [];
  await using store = mysql({
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
