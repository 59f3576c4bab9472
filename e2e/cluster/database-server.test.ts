import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { issueCertificate } from '@enchilada/core/testing/servers/database-server';
import type { DatabaseServer, ServerCertificate } from '@enchilada/core/testing/servers/database-server';
import { startMariadb } from '@enchilada/core/testing/servers/mariadb';
import { startPostgres } from '@enchilada/core/testing/servers/postgres';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { ADMIN, LOOPBACK, startSshd } from '../tests/site.ts';
import { eventually, personWithMachine } from './people.ts';

const RUNTIME_PASSWORD = 'only-rows-8';

interface Kind {
  readonly start: (tls: ServerCertificate) => Promise<DatabaseServer>;
  /** A role that reads and writes rows, and adds to the audit log only; as docs/operating.md tells operators to make it. */
  readonly grantRows: (database: string) => { readonly before: readonly string[]; readonly after: readonly string[] };
  /** What makes the whole server take no writes, as a standby does that was not promoted; and what undoes it. */
  readonly readOnly: { readonly on: readonly string[]; readonly off: readonly string[] };
}

const KINDS: Readonly<Record<string, Kind>> = {
  postgres: {
    start: (tls) => startPostgres({ tls }),
    grantRows: (database) => ({
      before: [
        `create role runtime login password '${RUNTIME_PASSWORD}'`,
        `grant connect on database ${database} to runtime`,
        'grant usage on schema public to runtime',
        'alter default privileges for role enchilada in schema public grant select, insert, update, delete on tables to runtime',
      ],
      after: [
        'revoke update, delete on audit, policy_history, schema_step from runtime',
        'revoke insert on schema_step from runtime',
      ],
    }),
    readOnly: {
      on: ['alter system set default_transaction_read_only = on', 'select pg_reload_conf()'],
      off: ['alter system reset default_transaction_read_only', 'select pg_reload_conf()'],
    },
  },
  mariadb: {
    start: (tls) => startMariadb({ tls }),
    grantRows: (database) => ({
      before: [
        `create user runtime@'%' identified by '${RUNTIME_PASSWORD}'`,
        `grant select, insert, update, delete on ${database}.* to runtime@'%'`,
      ],
      after: [],
    }),
    readOnly: { on: ['set global read_only = on'], off: ['set global read_only = off'] },
  },
};

for (const [name, kind] of Object.entries(KINDS)) {
  const owned = new AsyncDisposableStack();
  let server: DatabaseServer;
  let sshd: Sshd;
  let trusted: ServerCertificate;
  let folder: string;

  before(async () => {
    trusted = await issueCertificate('localhost');
    server = owned.use(await kind.start(trusted));
    sshd = owned.use(await startSshd());
    folder = await mkdtemp(join(tmpdir(), 'enchilada-database-'));
    owned.defer(() => rm(folder, { recursive: true, force: true }));
  });
  after(() => owned.disposeAsync());

  const kept = async (file: string, text: string): Promise<string> => {
    const path = join(folder, file);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  const named = (url: string): string => url.replace('127.0.0.1', 'localhost');
  const config = (lines: Readonly<Record<string, string>>): string => {
    const pairs = Object.entries(lines).map(([key, value]) => `${key}: "${value}"`);
    return `${LOOPBACK}database: { ${pairs.join(', ')} }\n`;
  };

  test(`${name}: a server that its own authority vouches for is used, and one that it does not vouch for is refused`, async () => {
    const url = `file:${await kept('url', named(await server.createDatabase()))}`;
    const ca = await kept('ca.pem', trusted.ca);
    {
      await using gateway = await Gateway.start({ config: config({ url, ca }) });
      const admin = await Person.bootstrap(gateway, ADMIN);
      assert.equal((await admin.api.getMe()).user.username, ADMIN.username);
      assert.equal((await fetch(`${gateway.url}/readyz`)).status, 200);
    }
    const foreign = await kept('foreign.pem', (await issueCertificate('localhost')).ca);
    await assert.rejects(
      Gateway.start({ config: config({ url, ca: foreign }) }),
      /STORE_UNAVAILABLE\): .*certificate/u,
    );
    const none = await kept('none.pem', 'not a certificate\n');
    await assert.rejects(Gateway.start({ config: config({ url, ca: none }) }), /database\.ca holds no certificate/u);
    const absent = join(folder, 'absent.pem');
    await assert.rejects(Gateway.start({ config: config({ url, ca: absent }) }), /database\.ca cannot be read/u);
  });

  test(`${name}: one role makes the schema, and one that may only handle rows runs the product`, async () => {
    const owner = named(await server.createDatabase());
    const database = new URL(owner).pathname.slice(1);
    const { before: first, after: then } = kind.grantRows(database);
    for (const statement of first) await server.execute(statement, database);
    const runtime = new URL(owner);
    runtime.username = 'runtime';
    runtime.password = RUNTIME_PASSWORD;
    const lines = {
      url: `file:${await kept('runtime-url', runtime.href)}`,
      ca: await kept('ca.pem', trusted.ca),
    };
    // Without the other role nothing can be made, and the gateway says so instead of serving half a schema.
    await assert.rejects(Gateway.start({ config: config(lines) }), /cannot start/u);

    const migrationUrl = `file:${await kept('migration-url', owner)}`;
    await using gateway = await Gateway.start({ config: config({ ...lines, migrationUrl }) });
    for (const statement of then) await server.execute(statement, database);
    const admin = await Person.bootstrap(gateway, ADMIN);
    await admin.api.createGroup({ body: { name: 'by rows alone', description: '' } });
    assert.equal((await admin.api.verifyAudit()).intact, true);
    assert.equal((await fetch(`${gateway.url}/readyz`)).status, 200);
    // Where the role that migrates may not make a rule, the product says that the rule is not held.
    const { weakenings } = await admin.api.getSettings();
    const { items } = await admin.api.listAudit({ query: { action: 'weakening.enabled', limit: 100 } });
    const audited = items.map(({ detail }) => String(detail?.['weakening']));
    for (const weakening of weakenings) assert.ok(audited.includes(weakening), weakening);
    assert.deepEqual(
      weakenings.filter((words) => words.startsWith('database rule not held')),
      [],
    );
  });

  test(`${name}: a server that takes no writes refuses new sessions in words, and takes nothing from those that run`, async () => {
    const url = `file:${await kept('standby-url', named(await server.createDatabase()))}`;
    await using gateway = await Gateway.start({ config: config({ url, ca: await kept('ca.pem', trusted.ca) }) });
    const isReady = async (): Promise<boolean> => (await fetch(`${gateway.url}/readyz`)).status === 200;
    const admin = await Person.bootstrap(gateway, ADMIN);
    const { person, targetId } = await personWithMachine(admin, sshd, 'rosa');
    await using staying = await person.open(targetId);
    await using leaving = await person.open(targetId);
    for (const shell of [staying, leaving]) await shell.live();

    for (const statement of kind.readOnly.on) await server.execute(statement);
    await eventually('the node to say that it takes no sessions', async () => !(await isReady()));
    staying.type('echo still-$((40+2))-here\r');
    await staying.see('still-42-here');
    // What can be read is answered, what must be written is refused: no session without its row and its audit.
    assert.equal((await person.api.listMachines({ query: {} })).items.length, 1);
    await assert.rejects(person.api.openSession({ body: { targetId } }), { code: 'STORE_UNAVAILABLE', status: 503 });
    leaving.type('echo last-$((40+3))-words; exit\r');
    await leaving.see('last-43-words');
    assert.equal((await leaving.ended()).reason, 'closed-by-target');

    for (const statement of kind.readOnly.off) await server.execute(statement);
    await eventually('the node to take sessions again', isReady);
    let recordingId = '';
    await eventually('the end to be written down, and the recording whole', async () => {
      const session = await person.api.getSession({ params: { id: leaving.sessionId } });
      recordingId = session.recordingId ?? '';
      if (session.endReason !== 'closed-by-target' || recordingId === '') return false;
      return (await admin.api.getRecording({ params: { id: recordingId } })).recording.state === 'complete';
    });
    staying.type('echo after-$((40+4))-it\r');
    await staying.see('after-44-it');
    assert.equal((await admin.api.verifyAudit()).intact, true);
    assert.equal((await admin.api.verifyRecording({ params: { id: recordingId } })).code, 0);
  });

  if (name === 'mariadb')
    test('mariadb: rules that the migrating role may not make are named as weakenings, and the rest works', async () => {
      const owner = named(await server.createDatabase());
      const database = new URL(owner).pathname.slice(1);
      const migrating = new URL(owner);
      migrating.username = 'without_triggers';
      migrating.password = RUNTIME_PASSWORD;
      for (const statement of [
        `create user without_triggers@'%' identified by '${RUNTIME_PASSWORD}'`,
        `grant select, insert, update, delete, create, index, alter, references on ${database}.* to without_triggers@'%'`,
      ])
        await server.execute(statement);
      const url = `file:${await kept('poor-url', migrating.href)}`;
      const ca = await kept('ca.pem', trusted.ca);
      await using gateway = await Gateway.start({ config: config({ url, ca }) });
      const admin = await Person.bootstrap(gateway, ADMIN);
      const { weakenings } = await admin.api.getSettings();
      assert.ok(
        weakenings.some((words) => words.includes('audit_no_update')),
        weakenings.join(),
      );
      const { items } = await admin.api.listAudit({ query: { action: 'weakening.enabled', limit: 100 } });
      assert.ok(items.some(({ detail }) => String(detail?.['weakening']).includes('audit_no_delete')));
    });
}
