import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { knock } from '../tunnel/raw-socket.ts';
import { Person } from '../product/index.ts';
import { Site, startSshd } from './site.ts';

const PASSWORD = 'nine quiet herons by the weir';
const NAMES = { username: 'nora', password: PASSWORD };
const owned = new AsyncDisposableStack();
let site: Site;
let vaultId: string;

before(async () => {
  const sshd = owned.use(await startSshd());
  site = owned.use(await Site.start());
  const { api } = site.admin;
  vaultId = await site.machineOn(sshd, { name: 'vault' });
  const machine = await api.getTarget({ params: { id: vaultId } });
  const { id: _id, builtIn: _builtIn, createdAt: _created, updatedAt: _updated, ...fields } = machine;
  await api.updateTarget({ params: { id: vaultId }, body: { ...fields, proofMinutes: 5 } });
  const user = await api.createUser({ body: { ...NAMES, displayName: '', role: 'user' } });
  await api.createGrant({
    body: {
      subject: { kind: 'user', id: user.id },
      scope: { kind: 'target', id: vaultId },
      actions: ['connect', 'watch', 'file-in', 'file-out'],
    },
  });
  await (await Person.signIn(site.gateway.url, NAMES)).enrolPasskey(NAMES.username);
});
after(() => owned.disposeAsync());

/** Makes the proof of one login old, instead of waiting for it. */
async function age(person: Person): Promise<void> {
  const { items } = await person.api.listLogins();
  const own = items.find(({ current }) => current);
  assert.ok(own);
  const database = new DatabaseSync(join(site.gateway.dataDir, 'enchilada.db'));
  database.exec('PRAGMA busy_timeout = 5000');
  const { changes } = database
    .prepare("UPDATE login SET proved_at = proved_at - 3600000 WHERE digest LIKE ? || '%'")
    .run(own.id);
  database.close();
  assert.equal(changes, 1);
}

test('the proof of one sign-in is not that of another of the same person: neither tickets, nor sockets, nor files', async () => {
  const first = await Person.signIn(site.gateway.url, NAMES);
  const second = await Person.signIn(site.gateway.url, NAMES);
  await using shell = await first.open(vaultId);
  await shell.live();
  const id = shell.sessionId;
  const files = (person: Person) => person.api.listFiles({ params: { id }, query: {} });
  const tickets = (person: Person, mode: 'control' | 'watch') =>
    person.api.issueTickets({ params: { id }, body: { mode } });
  assert.ok((await files(first)).entries.length >= 0);
  // Got while the proof was fresh, used when it is not any more.
  const early = await tickets(second, 'control');
  await age(second);
  const refused = { code: 'STEP_UP_REQUIRED', status: 403 };
  await assert.rejects(second.api.openSession({ body: { targetId: vaultId } }), refused);
  await assert.rejects(tickets(second, 'control'), refused);
  await assert.rejects(tickets(second, 'watch'), refused);
  await assert.rejects(files(second), refused);
  const late = await knock(site.gateway.url, {
    sessionId: id,
    kind: 'control',
    origins: [second.origin],
    cookie: second.cookie,
    ticket: early.control,
  });
  await late.socket?.received('STEP_UP_REQUIRED');
  late.socket?.destroy();
  shell.type('echo un-$((6*7))-touched\r');
  await shell.see('un-42-touched');

  // The sign-in that opened the session goes on in it, whatever becomes of its proof; for another session it must give one.
  await age(first);
  assert.ok((await files(first)).entries.length >= 0);
  assert.equal((await tickets(first, 'control')).mode, 'control');
  await assert.rejects(first.api.openSession({ body: { targetId: vaultId } }), refused);

  // A proof of the second is the second's alone.
  await second.prove(NAMES.username);
  assert.ok((await files(second)).entries.length >= 0);
  assert.equal((await tickets(second, 'watch')).mode, 'watch');
  await assert.rejects(first.api.openSession({ body: { targetId: vaultId } }), refused);
});
