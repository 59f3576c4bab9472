import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Person } from '../product/index.ts';
import { startSshd } from '../tests/site.ts';
import { eventually, PASSWORD, personWithMachine } from './people.ts';
import { TwoNodes } from './two-nodes.ts';
import { WITHDRAWALS } from './withdrawals.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let both: TwoNodes;
/** The administrator at node A. */
let admin: Person;

before(async () => {
  sshd = owned.use(await startSshd());
  both = owned.use(await TwoNodes.start());
  admin = await both.bootstrap();
});
after(() => owned.disposeAsync());

let people = 0;

for (const where of ['a', 'b'] as const) {
  const node = where === 'a' ? 'the same node' : 'the other node';
  for (const [name, { prepare, withdraw, words }] of Object.entries(WITHDRAWALS)) {
    test(`${name}, at ${node}: the session ends, the person reads why, and it is audited`, async (t) => {
      people += 1;
      const somebody = await personWithMachine(admin, sshd, `person-${people}`);
      await prepare?.({ admin, somebody });
      const shell = await somebody.person.open(somebody.targetId);
      await shell.live();
      const url = where === 'a' ? both.a.url : both.b.url;
      const begun = performance.now();
      await withdraw({ admin, somebody, at: (who) => who.at(url) });
      const end = await shell.ended();
      t.diagnostic(`ended ${Math.round(performance.now() - begun)} ms after the request was sent`);
      assert.equal(end.reason, 'SESSION_REVOKED', JSON.stringify(end));
      assert.equal(end.fault?.code, 'SESSION_REVOKED');
      await shell.leave();
      // The viewers are told before the recording is sealed and the end is written down.
      await eventually('the end to be written down', async () => {
        const { endReason } = await admin.api.getSession({ params: { id: shell.sessionId } });
        return endReason === 'SESSION_REVOKED';
      });
      const reasons = async () => {
        const query = { action: 'session.revoked', object: shell.sessionId } as const;
        return (await admin.api.listAudit({ query })).items.map(({ reason }) => reason);
      };
      await eventually('the cause to be audited', async () => (await reasons()).length > 0);
      assert.deepEqual(await reasons(), [words]);
    });
  }
}

test('a watcher who loses the right is sent away, and the session goes on', async () => {
  const owner = await personWithMachine(admin, sshd, 'olga');
  const watcher = await personWithMachine(admin, sshd, 'walter');
  const { id } = await admin.api.createGrant({
    body: {
      subject: { kind: 'user', id: watcher.userId },
      scope: { kind: 'target', id: owner.targetId },
      actions: ['watch'],
    },
  });
  await using shell = await owner.person.open(owner.targetId);
  await shell.live();
  const watching = await watcher.person.at(both.b.url).join(shell.sessionId, 'watch');
  await watching.live();
  await admin.at(both.b.url).api.deleteGrant({ params: { id } });
  assert.equal((await watching.ended()).reason, 'SESSION_REVOKED');
  await watching.leave();
  shell.type('echo goes-$((2+2))-on\r');
  await shell.see('goes-4-on');
});

test('a right that is withdrawn past the product, in the database itself, ends the session too', async (t) => {
  const { person, targetId, grantId } = await personWithMachine(admin, sshd, 'paul');
  const shell = await person.open(targetId);
  await shell.live();
  const database = new URL(both.databaseUrl).pathname.slice(1);
  const begun = performance.now();
  await both.database.execute(
    `begin; update counter set value = value + 1 where name = 'catalog'; delete from access_grant where id = '${grantId}'; commit`,
    database,
  );
  assert.equal((await shell.ended()).reason, 'SESSION_REVOKED');
  t.diagnostic(`ended ${Math.round(performance.now() - begun)} ms after the statement was sent`);
  await shell.leave();
});

const DEACTIVATE = { Operations: [{ op: 'Replace', path: 'active', value: 'False' }] };

/** Somebody whom an identity provider has written, with a live session at node A. */
async function provisionedPerson(name: string) {
  const provider = await admin.api.createProvider({
    body: {
      ...{ kind: 'forward-auth', name, rules: [], admits: 'everyone', trustsFactor: false, enabled: true },
      parameters: { peers: ['192.0.2.1'], says: 'headers' },
    },
  });
  const { value } = await admin.api.renewProvisioningToken({ params: { id: provider.id } });
  const provision = async (url: string, method: string, path: string, body: object): Promise<Response> => {
    const headers = { authorization: `Bearer ${value}`, 'content-type': 'application/scim+json' };
    const address = `${url}/scim/v2/${provider.id}${path}`;
    return fetch(address, { method, headers, body: JSON.stringify(body) });
  };
  const machine = await personWithMachine(admin, sshd, `machine-of-${name}`);
  const made = await provision(both.a.url, 'POST', '/Users', { userName: name, externalId: 'o-1' });
  assert.equal(made.status, 201);
  const { id } = (await made.json()) as { readonly id: string };
  // A password of ours stands for the sign-in at the provider: what ends a session is the same.
  await admin.api.setUserPassword({ params: { id }, body: { password: PASSWORD } });
  await admin.api.createGrant({
    body: { subject: { kind: 'user', id }, scope: { kind: 'target', id: machine.targetId }, actions: ['connect'] },
  });
  const person = await Person.signIn(both.a.url, { username: name, password: PASSWORD });
  const shell = await person.open(machine.targetId);
  await shell.live();
  return { provider, provision, id, shell };
}

test('whom the identity provider deactivates at the other node loses the live session, also while it is switched off', async (t) => {
  const { provider, provision, id, shell } = await provisionedPerson('scim-paula');
  const { version, name, parameters, rules, admits, trustsFactor } = provider;
  await admin.api.updateProvider({
    params: { id: provider.id },
    body: { version, name, parameters, rules, admits, trustsFactor, enabled: false },
  });
  assert.equal((await provision(both.b.url, 'POST', '/Users', { userName: 'scim-eve' })).status, 403);
  const begun = performance.now();
  assert.equal((await provision(both.b.url, 'PATCH', `/Users/${id}`, DEACTIVATE)).status, 200);
  assert.equal((await shell.ended()).reason, 'SESSION_REVOKED');
  t.diagnostic(`ended ${Math.round(performance.now() - begun)} ms after the request was sent`);
  await shell.leave();
});

test('a node that dies between a deactivation and what follows of it leaves that to the other', async (t) => {
  const { provision, id, shell } = await provisionedPerson('scim-quentin');
  // Whoever ends logins waits until the lock is let go; the deactivation itself is written.
  const database = new URL(both.databaseUrl).pathname.slice(1);
  const holder = `select pid from pg_locks where relation = 'login'::regclass and mode = 'ExclusiveLock' and granted`;
  const locked = both.database
    // Until it is ended from here, however slow this machine is.
    .execute('begin; lock table login in exclusive mode; select pg_sleep(3600)', database)
    .catch(() => undefined);
  await eventually('the lock to be held', async () => /\d/u.test(await both.database.execute(holder, database)));
  const answered = provision(both.b.url, 'PATCH', `/Users/${id}`, DEACTIVATE).then(
    ({ status }) => `answered ${status}`,
    () => 'cut off',
  );
  // Whoever asks the other node may wait for the lock as well: logins note when they were used.
  const ask = async (sql: string): Promise<string> => (await both.database.execute(sql, database)).trim();
  await eventually('the deactivation to be written', async () => {
    const sql = `select count(*) from audit where action = 'provisioned-user.changed' and object_id = '${id}'`;
    return /\b2\b/u.test(await ask(sql));
  });
  await both.b.stop('SIGKILL');
  const begun = performance.now();
  assert.equal(await answered, 'cut off');
  const enabled = await ask(`select 'enabled' from user_account where id = '${id}' and disabled_at is null`);
  assert.match(enabled, /enabled/u, 'the node died before what follows');
  await both.database.execute(`select pg_terminate_backend(pid) from (${holder}) as held`, database);
  await locked;
  assert.equal((await shell.ended()).reason, 'SESSION_REVOKED');
  t.diagnostic(`ended ${Math.round(performance.now() - begun)} ms after the node was killed`);
  await shell.leave();
  const disabled = async (): Promise<number> =>
    (await admin.api.listAudit({ query: { action: 'user.disabled', object: id } })).items.length;
  // The session ends by what is written, which is audited behind it.
  await eventually('the deactivation to be audited', async () => (await disabled()) > 0);
  assert.equal(await disabled(), 1);
});
