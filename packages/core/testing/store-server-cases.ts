import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Secret } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import { type DatabaseServer, type DatabaseServerOptions, issueCertificate } from './servers/database-server.ts';
import { anAuditRecord, aSession } from './store-fixture.ts';

export interface ServerUnderTest {
  readonly start: (options?: DatabaseServerOptions) => Promise<DatabaseServer>;
  readonly open: (options: {
    readonly url: Secret;
    readonly ca?: string;
    readonly onMigrationStep?: (step: string, event: string) => void;
  }) => Store;
  /** Statements that only this kind of database knows, and that would shorten the audit log. */
  readonly alsoForbidden: readonly string[];
}

const FORBIDDEN = [
  "update audit set action = 'x'",
  'delete from audit',
  'update policy_history set at = 0',
  'delete from policy_history',
  "update session set state = 'live', ended_at = null",
];

/** Longer than any adapter gives a server to accept a connection. */
const LONGEST_CONNECT_MS = 6_000;

const unavailable = (error: unknown): boolean => isFault(error, 'STORE_UNAVAILABLE');
/** A certificate is for a name; the address has none. */
const named = async (server: DatabaseServer): Promise<Secret> =>
  new Secret((await server.createDatabase()).replace('127.0.0.1', 'localhost'));

/** A database that is a server of its own: who it is, that it may be gone, and what its SQL may not do. */
export function storeServerCases(name: string, { start, open, alsoForbidden }: ServerUnderTest): void {
  describe(`store ${name}: the server`, () => {
    it('verifies its authority and host name before it says the password', async () => {
      const [trusted, other] = [await issueCertificate('localhost'), await issueCertificate('localhost')];
      await using server = await start({ tls: trusted });
      const url = await named(server);
      await using right = open({ url, ca: trusted.ca });
      await right.migrate();
      await right.probe();
      await using wrongAuthority = open({ url, ca: other.ca });
      await assert.rejects(wrongAuthority.probe(), unavailable);
      const foreign = await issueCertificate('db.example');
      await using misnamed = await start({ tls: foreign });
      await using wrongName = open({ url: await named(misnamed), ca: foreign.ca });
      await assert.rejects(
        wrongName.probe(),
        (error) => unavailable(error) && /altnames|does not match/iu.test(inspect(error)),
      );
    });

    it('refuses one without TLS and names the setting', async () => {
      await using server = await start();
      const { ca } = await issueCertificate('localhost');
      await using store = open({ url: await named(server), ca });
      await assert.rejects(
        store.migrate(),
        (error) => isFault(error, 'CONFIGURATION_INVALID') && error.message.includes('database.allowPlaintext'),
      );
    });

    it('answers what is urgent while a crowd holds and awaits every other connection', async () => {
      await using server = await start();
      await using store = open({ url: new Secret(await server.createDatabase()) });
      await store.migrate();
      const [entered, release] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
      const crowd = Array.from({ length: 50 }, () =>
        store.transaction(async () => {
          entered.resolve(undefined);
          await release.promise;
        }),
      );
      await entered.promise;
      const behind = store.now.commands.news().then(() => 'behind');
      assert.equal(await Promise.race([behind, store.urgent.commands.news().then(() => 'urgent')]), 'urgent');
      await store.probe();
      release.resolve(undefined);
      await Promise.all([...crowd, behind]);
    });

    it('does not call the server gone where it is this process that had no time to listen', async () => {
      await using server = await start();
      await using store = open({ url: new Secret(await server.createDatabase()) });
      await store.migrate();
      await store.now.settings.set('kept', 'yes');
      const crowd = Promise.all(Array.from({ length: 20 }, () => store.now.settings.get('kept')));
      // The connections are being made; nobody reads what the server answers for longer than that may take.
      await setImmediate();
      const until = performance.now() + LONGEST_CONNECT_MS;
      while (performance.now() < until);
      assert.deepEqual([...new Set(await crowd)], ['yes']);
    });

    it('answers STORE_UNAVAILABLE while it is gone, and serves again once it is back', async () => {
      await using server = await start();
      await using store = open({ url: new Secret(await server.createDatabase()) });
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
      await using server = await start();
      const url = await server.createDatabase();
      const skipped: string[] = [];
      await using store = open({
        url: new Secret(url),
        onMigrationStep: (step, event) => void (event === 'not-permitted' && skipped.push(step)),
      });
      await store.migrate();
      assert.deepEqual(skipped, []);
      await store.now.audit.append(anAuditRecord('node-1', 1));
      await store.now.sessions.insert(aSession({ id: 'ses_1', state: 'ended', endedAt: 1 }));
      const database = new URL(url).pathname.slice(1);
      for (const statement of [...FORBIDDEN, ...alsoForbidden])
        await assert.rejects(server.execute(statement, database), /append-only|may not change/u, statement);
      assert.equal((await store.now.audit.chain('node-1', 0, 10)).length, 1);
    });
  });
}
