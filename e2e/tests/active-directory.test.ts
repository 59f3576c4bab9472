import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiProblem } from '@enchilada/contract';
import { BASE, type SambaAd, startSambaAd } from '@enchilada/core/testing/servers/samba-ad';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Person } from '../product/index.ts';
import { Site, startSshd } from './site.ts';
import { filesOf, findCanaries } from './traces.ts';

const owned = new AsyncDisposableStack();
const PASSWORD = 'Us3r!Passw0rd';
const READER = 'R3ader!Passw0rd';
const PEOPLE = `CN=Users,${BASE}`;
const SERVERS = `OU=Servers,${BASE}`;
let directory: SambaAd;
let sshd: Sshd;
let site: Site;
let providerId: string;
let place: Readonly<Record<string, string | string[]>>;

const group = (name: string, member: string): string =>
  `dn: CN=${name},${PEOPLE}\nchangetype: add\nobjectClass: group\nsAMAccountName: ${name}\nmember: CN=${member},${PEOPLE}\n`;
const replace = (name: string, attribute: string, value: string): string =>
  `dn: CN=${name},${PEOPLE}\nchangetype: modify\nreplace: ${attribute}\n${attribute}: ${value}\n`;

before(async () => {
  directory = owned.use(await startSambaAd());
  for (const name of ['alice', 'dora', 'mona', 'olga', 'searcher', 'reader', 'stranger'])
    await directory.tool('user', 'create', name, ['alice', 'dora', 'mona', 'olga'].includes(name) ? PASSWORD : READER);
  await directory.modify(
    [
      replace('mona', 'pwdLastSet', '0'),
      // Of four levels, so that whoever is in the innermost is in the outermost.
      ...[group('inner', 'alice'), group('middle', 'inner'), group('outer', 'middle')],
      `dn: CN=outer,${PEOPLE}\nchangetype: modify\nadd: member\nmember: CN=dora,${PEOPLE}\nmember: CN=mona,${PEOPLE}\nmember: CN=olga,${PEOPLE}\n`,
    ].join('\n'),
  );
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\ndirectory: { check: 1s }\n' }));
  const { id: groupId } = await site.admin.api.createGroup({ body: { name: 'Operators', description: '' } });
  place = {
    ...{ servers: [`ldaps://${directory.host}:${directory.ldapsPort}`], serverName: 'dc1.corp.test' },
    authorities: directory.ca.trim().split('\n'),
  };
  const provider = await site.admin.api.createProvider({
    body: {
      ...{ kind: 'ldap', name: 'CORP', secret: READER, admits: 'matched', trustsFactor: false },
      parameters: {
        ...{ ...place, flavour: 'ad', bindDn: 'searcher@corp.test', peopleBase: PEOPLE, groupBase: PEOPLE },
      },
      ...{ rules: [{ from: 'outer', groupId }], enabled: true },
    },
  });
  providerId = provider.id;
  const targetId = await site.machineOn(sshd);
  await site.admin.api.createGrant({
    body: { subject: { kind: 'group', id: groupId }, scope: { kind: 'target', id: targetId }, actions: ['connect'] },
  });
});
after(() => owned.disposeAsync());

async function signIn(username: string, password = PASSWORD): Promise<Person> {
  const person = new Person(site.gateway.url);
  const { stage } = await person.api.login({ body: { username, password, providerId } });
  assert.equal(stage, 'complete');
  return person;
}
const refuses = (outcome: Promise<unknown>, code: string) =>
  assert.rejects(outcome, (problem) => problem instanceof ApiProblem && problem.code === code);
const change = (username: string, password: string, next: string): Promise<unknown> =>
  new Person(site.gateway.url).api.changeDirectoryPassword({
    params: { id: providerId },
    body: { username, password, next },
  });

test('somebody of a group of groups of Active Directory signs in by either name, and opens what the outermost may', async () => {
  for (const name of ['alice', 'ALICE', 'alice@corp.test']) {
    const alice = await signIn(name);
    assert.equal((await alice.api.getMe()).user.username, 'alice');
    const { items } = await alice.api.listMachines({ query: {} });
    assert.equal(items.length, 1);
  }
  await refuses(signIn('alice)(cn=*'), 'LOGIN_REFUSED');
  await refuses(signIn('searcher', READER), 'NOT_ADMITTED');
});

test('an account that is disabled there is out of its live session, and in again once it is enabled', async () => {
  const dora = await signIn('dora');
  const { items } = await dora.api.listMachines({ query: {} });
  const shell = await dora.open(items[0]?.id ?? '');
  await shell.live();
  await directory.modify(replace('dora', 'userAccountControl', '514'));
  await shell.ended();
  await refuses(signIn('dora'), 'LOGIN_REFUSED');
  await directory.modify(replace('dora', 'userAccountControl', '512'));
  await signIn('dora');
  // 1 January 2024.
  await directory.modify(replace('dora', 'accountExpires', '133485408000000000'));
  await refuses(signIn('dora'), 'LOGIN_REFUSED');
});

test('who must change their password changes it in place, by the policy of the domain', async () => {
  await refuses(signIn('mona'), 'PASSWORD_EXPIRED');
  await refuses(change('mona', PASSWORD, 'short'), 'PASSWORD_TOO_WEAK');
  await change('mona', PASSWORD, 'N3w!Passw0rd9');
  await signIn('mona', 'N3w!Passw0rd9');
});

test('a password that has become too old is changed in place too', async () => {
  await signIn('olga');
  await directory.agePassword(`CN=olga,${PEOPLE}`);
  await refuses(signIn('olga'), 'PASSWORD_EXPIRED');
  await change('olga', PASSWORD, 'N3w!Passw0rd9');
  await signIn('olga', 'N3w!Passw0rd9');
});

test('a machine is opened with the password that it wrote into the directory, which is found nowhere afterwards', async () => {
  const { api } = site.admin;
  const written = JSON.stringify({ n: sshd.username, t: '1d8161b41c41cde', p: sshd.password });
  await directory.modify(
    [
      `dn: ${SERVERS}\nchangetype: add\nobjectClass: organizationalUnit\n`,
      `dn: CN=WEB01,${SERVERS}\nchangetype: add\nobjectClass: computer\nsAMAccountName: WEB01$\nuserAccountControl: 4096`,
      `dNSHostName: localhost\nmsLAPS-PasswordExpirationTime: 165675456000000000`,
      `msLAPS-Password:: ${Buffer.from(written).toString('base64')}\n`,
    ].join('\n'),
  );
  await directory.allowReading('reader', SERVERS, ['msLAPS-Password']);
  let credentials = 0;
  const storeFor = async (bindDn: string): Promise<string> => {
    const parameters = { ...place, bindDn, computerBase: SERVERS };
    const body = { name: `LAPS ${bindDn}`, kind: 'windows-laps', parameters, secret: READER };
    return (await api.createSecretStore({ body })).id;
  };
  const credentialOf = async (storeId: string, path: string): Promise<string> => {
    const reference = { storeId, path, field: '' };
    const body = {
      name: `${storeId} ${path} ${credentials++}`,
      kind: 'password' as const,
      username: sshd.username,
      reference,
    };
    return (await api.createCredential({ body })).id;
  };
  const machine = (name: string, credentialId: string, host = 'localhost'): Promise<string> =>
    site.machine({ host, port: sshd.port, name, credentialId });
  const storeId = await storeFor('reader@corp.test');
  for (const [name, path] of [
    ['by host', '{host}'],
    ['WEB01', '{name}'],
    ['by a name that is written out', 'web01'],
  ] as const) {
    const shell = await site.admin.open(await machine(name, await credentialOf(storeId, path)));
    await shell.live();
    shell.type('exit\r');
    await shell.ended();
  }
  const faultOf = async (targetId: string) => (await (await site.admin.open(targetId)).ended()).fault;
  const strange = await credentialOf(await storeFor('stranger@corp.test'), '{host}');
  const denied = await faultOf(await machine('without the right', strange));
  assert.deepEqual(
    [denied?.code, denied?.facts['permission']],
    ['SECRET_STORE_DENIED', `read and control access on msLAPS-Password of CN=WEB01,${SERVERS}`],
  );
  const byAddress = await machine('by address', await credentialOf(storeId, '{host}'), sshd.host);
  assert.equal((await faultOf(byAddress))?.code, 'SECRET_NOT_FOUND');
  for (const path of ['{username}', '{host']) await refuses(credentialOf(storeId, path), 'INVALID_REQUEST');
  const key = { name: 'a key', kind: 'private-key' as const, username: 'x' };
  await refuses(
    api.createCredential({ body: { ...key, reference: { storeId, path: '{host}', field: '' } } }),
    'INVALID_REQUEST',
  );
  const actions = (await api.listAudit({ query: { limit: 500 } })).items.map(({ action }) => action);
  assert.ok(actions.includes('secret-store.created'));
  const places = [
    ...(await filesOf(site.gateway.dataDir)),
    { name: 'log', bytes: Buffer.from(site.gateway.log) },
    { name: 'answers', bytes: Buffer.from(JSON.stringify(await api.listSecretStores())) },
  ];
  assert.deepEqual(findCanaries(places, { reader: READER, machine: sshd.password }), []);
});
