import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ApiProblem, type Me } from '@enchilada/contract';
import { startFreeRadius } from '@enchilada/core/testing/servers/freeradius';
import { type Slapd, startSlapd } from '@enchilada/core/testing/servers/slapd';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { eventually } from '../cluster/people.ts';
import { runCommand, runJson } from '../fixtures/command.ts';
import { startDeviceLogin } from '../fixtures/device-login.ts';
import { Person } from '../product/index.ts';
import { Site, startSshd } from './site.ts';

const owned = new AsyncDisposableStack();
let slapd: Slapd;
let sshd: Sshd;
let site: Site;
let providerId: string;

before(async () => {
  slapd = owned.use(await startSlapd());
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\ndirectory: { check: 1s }\n' }));
  const group = await site.admin.api.createGroup({ body: { name: 'Operators', description: '' } });
  const provider = await site.admin.api.createProvider({
    body: {
      ...{ kind: 'ldap', name: 'Staff', secret: slapd.searcher.password, admits: 'matched', trustsFactor: false },
      parameters: {
        servers: [`ldaps://localhost:${slapd.ldapsPort}`],
        authorities: slapd.ca.trim().split('\n'),
        bindDn: slapd.searcher.dn,
        peopleBase: 'ou=people,dc=example,dc=test',
        peopleFilter: '(&(objectClass=person)(!(employeeType=left)))',
        groupBase: 'ou=groups,dc=example,dc=test',
        nameAttributes: ['employeeType'],
      },
      ...{ rules: [{ from: 'everyone', groupId: group.id }], enabled: true },
    },
  });
  providerId = provider.id;
  const targetId = await site.machineOn(sshd);
  await site.admin.api.createGrant({
    body: { subject: { kind: 'group', id: group.id }, scope: { kind: 'target', id: targetId }, actions: ['connect'] },
  });
});
after(() => owned.disposeAsync());

const employee = (type: string): Promise<void> =>
  slapd.modify(
    `dn: uid=alice,ou=people,dc=example,dc=test\nchangetype: modify\nreplace: employeeType\nemployeeType: ${type}\n`,
  );

async function signIn(): Promise<Person> {
  const alice = new Person(site.gateway.url);
  const { stage } = await alice.api.login({ body: { username: 'alice', password: 'password of alice', providerId } });
  assert.equal(stage, 'complete');
  return alice;
}

test('who leaves the directory is out of the live session within its check, and back in when they come back', async () => {
  const alice = await signIn();
  const { items } = await alice.api.listMachines({ query: {} });
  assert.equal(items.length, 1, 'by a group of groups of the directory');
  const me = await alice.api.getMe();
  assert.deepEqual([me.login.method, me.login.hasLoginPassword], ['directory', true]);
  const shell = await alice.open(items[0]?.id ?? '');
  await shell.live();
  await employee('left');
  const began = performance.now();
  await shell.ended();
  console.log(
    `# out of the live session ${Math.round(performance.now() - began)} ms after leaving, with a check each second`,
  );
  await assert.rejects(alice.api.getMe(), (problem) => problem instanceof ApiProblem && problem.status === 401);
  await employee('staff');
  await signIn();
});

test('the command line is signed in by somebody of the directory, and out when they leave it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-directory-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const { command, code: userCode } = await startDeviceLogin(folder, site.gateway.url);
  using _ = command;
  const alice = await signIn();
  await alice.api.checkDeviceLogin({ body: { userCode } });
  await alice.api.decideDeviceLogin({ body: { userCode, verdict: 'approve' } });
  const { exitCode, stderr } = await command.ended;
  assert.equal(exitCode, 0, stderr);
  const { user, login } = (await runJson(folder, ['whoami'])) as unknown as Me;
  // The password stays where it was typed.
  assert.deepEqual([user.username, login.method, login.hasLoginPassword], ['alice', 'device', false]);
  await employee('left');
  await eventually('the command line is signed out', async () => (await runCommand(folder, ['whoami'])).exitCode === 3);
  await employee('staff');
  await signIn();
});

test('a certificate names its person as the directory of this login does, and somebody whom no directory knows by no such name', async () => {
  const { api } = site.admin;
  await employee('staff-7');
  const terms = { principals: ['{email.local}', '{attribute.employeeType}'], minutes: 3, sourceNetworks: [] };
  const { id: credentialId } = await api.createCredential({
    body: { name: 'by the directory', kind: 'certificate', username: sshd.username, terms },
  });
  const targetId = await site.machine({ host: sshd.host, port: sshd.port, name: 'by name', credentialId });
  const { items: groups } = await api.listGroups({});
  await api.createGrant({
    body: {
      subject: { kind: 'group', id: groups.find(({ name }) => name === 'Operators')?.id ?? '' },
      ...{ scope: { kind: 'target', id: targetId }, actions: ['connect'] },
    },
  });
  const alice = await signIn();
  // The machine trusts nobody; what matters is what the certificate says.
  assert.equal((await (await alice.open(targetId)).ended()).fault?.code, 'CERTIFICATE_REFUSED');
  const [event] = (await api.listAudit({ query: { action: 'certificate.issued', limit: 1 } })).items;
  assert.equal(event?.detail?.['principals'], 'alice staff-7');
  assert.equal((await (await site.admin.open(targetId)).ended()).fault?.code, 'USERNAME_UNFIT');
});

test('who signed in at a RADIUS server opens a machine with that very password', async () => {
  await using radius = await startFreeRadius({ guest: sshd });
  const { api } = site.admin;
  const { id } = await api.createProvider({
    body: {
      ...{ kind: 'radius', name: 'Tokens', secret: radius.secret, admits: 'everyone', trustsFactor: false },
      parameters: { servers: [`127.0.0.1:${radius.port}`] },
      ...{ rules: [], enabled: true },
    },
  });
  const guest = new Person(site.gateway.url);
  await guest.api.login({ body: { username: sshd.username, password: sshd.password, providerId: id } });
  const me = await guest.api.getMe();
  assert.deepEqual([me.login.method, me.login.hasLoginPassword], ['directory', true]);
  const own = await api.createCredential({
    body: { name: 'their own', kind: 'login-password', username: sshd.username },
  });
  const targetId = await site.machine({
    name: 'by own password',
    host: sshd.host,
    port: sshd.port,
    credentialId: own.id,
  });
  await site.grant(guest, targetId, ['connect']);
  const shell = await guest.open(targetId);
  await shell.live();
  const refused = new Person(site.gateway.url);
  await assert.rejects(
    refused.api.login({ body: { username: sshd.username, password: 'wrong', providerId: id } }),
    (problem) => problem instanceof ApiProblem && problem.status === 401,
  );
});
