import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import type { FaultCode } from '@enchilada/core/fault';
import type { AssertedPerson, PasswordProvider } from '@enchilada/core/identity';
import { startBlackHole } from '@enchilada/core/testing/servers/black-hole';
import { issueCertificate } from '@enchilada/core/testing/servers/database-server';
import { type Slapd, startSlapd } from '@enchilada/core/testing/servers/slapd';
import { LdapProvider } from './ldap-provider.ts';

let slapd: Slapd;

before(async () => {
  slapd = await startSlapd();
  await slapd.modify(
    'dn: uid=mona,ou=people,dc=example,dc=test\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n',
  );
});
after(() => slapd[Symbol.asyncDispose]());

type Parameters = Record<string, string | boolean | string[]>;

function open(change: Parameters = {}, secret = slapd.searcher.password): PasswordProvider {
  return new LdapProvider({
    id: 'idp_x',
    parameters: {
      servers: [`ldaps://localhost:${slapd.ldapsPort}`],
      authorities: slapd.ca.split('\n'),
      bindDn: slapd.searcher.dn,
      peopleBase: 'ou=people,dc=example,dc=test',
      groupBase: 'ou=groups,dc=example,dc=test',
      ...change,
    },
    secret: new Secret(secret),
  });
}

const verify = async (username: string, password: string, change?: Parameters): Promise<AssertedPerson> => {
  const verdict = await open(change).verify(username, new Secret(password), { address: '' });
  assert.ok('person' in verdict);
  return verdict.person;
};
const lookUp = (subject: string, change?: Parameters, secret?: string): Promise<AssertedPerson | undefined> =>
  open(change, secret).lookUp?.(subject) ?? assert.fail('a directory can be asked');
const rejects = (outcome: Promise<unknown>, code: FaultCode, words?: string) =>
  assert.rejects(outcome, (failure) => isFault(failure, code), words);

test('a person signs in with what the directory knows of them, groups of groups included', async () => {
  const alice = await verify('alice', 'password of alice');
  assert.deepEqual(
    { ...alice, groups: [...alice.groups].sort() },
    {
      subject: alice.subject,
      username: 'alice',
      displayName: 'Alice Ämter',
      email: 'alice@example.test',
      groups: ['everyone', 'ops', 'staff'],
      attributes: {},
    },
  );
  assert.match(alice.subject, /^[0-9a-f-]{36}$/u);
  assert.deepEqual(await lookUp(alice.subject), alice);
  assert.deepEqual((await verify('alice', 'password of alice', { nested: false })).groups, ['ops']);
  assert.deepEqual((await verify('ALICE', 'password of alice')).username, 'alice');
  await slapd.modify(
    'dn: uid=alice,ou=people,dc=example,dc=test\nchangetype: modify\nadd: description\ndescription: a\ndescription: b\n',
  );
  const named = await verify('alice', 'password of alice', { nameAttributes: ['UID', 'description', 'absent'] });
  assert.deepEqual(named.attributes, { uid: 'alice' }, 'of several values none');
});

test('a group elsewhere with the same name counts for nothing, and groups can be named in full', async () => {
  assert.deepEqual((await verify('bob', 'password of bob')).groups, []);
  const whole = await verify('bob', 'password of bob', { groupBase: 'dc=example,dc=test', groupNames: 'dn' });
  assert.deepEqual(whole.groups, ['cn=ops,dc=example,dc=test']);
});

test('StartTLS comes before the first password', async () => {
  const person = await verify('alice', 'password of alice', { servers: [`ldap://localhost:${slapd.ldapPort}`] });
  assert.equal(person.username, 'alice');
});

test('a wrong password and a name that nobody has are refused alike', async () => {
  await rejects(verify('alice', 'password of bob'), 'LOGIN_REFUSED');
  await rejects(verify('nobody', 'password of alice'), 'LOGIN_REFUSED');
});

test('an empty password is refused before anybody is asked', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address !== 'string');
  const provider = open({ servers: [`ldaps://localhost:${address.port}`] });
  for (const password of ['', ' ', '\t', '\n', '\0', 'x\0'])
    await rejects(provider.verify('alice', new Secret(password), { address: '' }), 'LOGIN_REFUSED');
  for (const username of ['', '  ', 'x'.repeat(300), 'a\0lice'])
    await rejects(provider.verify(username, new Secret('password'), { address: '' }), 'LOGIN_REFUSED');
  assert.equal(connections, 0);
  await new Promise((resolve) => server.close(resolve));
});

/** T11: none finds anybody that its letters alone would not. */
const INJECTIONS = [
  '*',
  'al*',
  '*ce',
  'alice*',
  'a*e',
  '(uid=*)',
  '*)(uid=*',
  'alice)(uid=*',
  'alice)(|(uid=*',
  '*)(objectClass=*',
  'alice)(userPassword=*',
  ')(cn=*',
  '*))%00',
  'alice\\',
  'alice\\2a',
  '\\61lice',
  '\\2a',
  'alice)(&',
  'alice)(!(uid=bob)',
  '|(uid=alice)',
  '&(uid=alice)',
  '!(uid=bob)',
  'uid=alice',
  'uid=alice,ou=people,dc=example,dc=test',
  'alice,ou=people',
  '*)(|(mail=*',
  'alice)(pwdReset=FALSE',
  '(|(uid=alice)(uid=bob))',
  'al\u0000ice',
  'alice)(uid:dn:=*',
  'aliсe',
  '>=a',
  '~=alice',
];

test('what is typed as a name is compared as it stands, whatever signs of filters it holds', async () => {
  assert.ok(INJECTIONS.length >= 30);
  for (const name of INJECTIONS) await rejects(verify(name, 'password of alice'), 'LOGIN_REFUSED', name);
  for (const subject of ['*', '*)(uid=*', ')(uid=alice', '\\2a'])
    assert.equal(await lookUp(subject), undefined, subject);
});

test('a server whose certificate is not vouched for, or names another, is told nothing', async () => {
  await rejects(verify('alice', 'password of alice', { authorities: [] }), 'PROVIDER_UNAVAILABLE', 'unknown authority');
  for (const servers of [[`ldaps://localhost:${slapd.ldapsPort}`], [`ldap://localhost:${slapd.ldapPort}`]])
    await rejects(
      verify('alice', 'password of alice', { servers, serverName: 'dc.example.org' }),
      'PROVIDER_UNAVAILABLE',
      'another name',
    );
  await rejects(
    verify('alice', 'password of alice', { servers: [`ldaps://127.0.0.1:${slapd.ldapsPort}`] }),
    'PROVIDER_UNAVAILABLE',
    'an address that the certificate does not name',
  );
  const other = await issueCertificate('localhost');
  await rejects(
    verify('alice', 'password of alice', { authorities: other.ca.split('\n') }),
    'PROVIDER_UNAVAILABLE',
    'another authority',
  );
});

test('the next server is asked where one does not answer; where none does, nobody is judged', async () => {
  const dead = 'ldaps://localhost:1';
  await using hole = await startBlackHole();
  const mute = createServer((socket) => socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  await using _closed = { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => mute.close(() => resolve())) };
  const address = mute.address();
  assert.ok(address !== null && typeof address !== 'string');
  // Refuses, drops every packet, accepts and says nothing.
  const silent = [
    dead,
    `ldaps://${hole.host}:${hole.port}`,
    `ldaps://localhost:${address.port}`,
    `ldap://localhost:${address.port}`,
  ];
  const answers = silent.map(async (first) => {
    const servers = [first, `ldaps://localhost:${slapd.ldapsPort}`];
    return (await verify('alice', 'password of alice', { servers })).username;
  });
  assert.deepEqual(
    await Promise.all(answers),
    silent.map(() => 'alice'),
  );
  const person = await verify('alice', 'password of alice');
  await rejects(verify('alice', 'password of alice', { servers: [dead] }), 'PROVIDER_UNAVAILABLE');
  await rejects(lookUp(person.subject, { servers: [dead] }), 'PROVIDER_UNAVAILABLE');
  await rejects(lookUp(person.subject, {}, 'wrong'), 'PROVIDER_UNAVAILABLE', 'the searcher is refused');
  await rejects(lookUp(person.subject, { peopleBase: 'ou=gone,dc=example,dc=test' }), 'PROVIDER_UNAVAILABLE');
});

test('whom the filter no longer matches is gone', async () => {
  const { subject } = await verify('bob', 'password of bob');
  const filtered = { peopleFilter: '(&(objectClass=person)(!(employeeType=left)))' };
  assert.ok((await lookUp(subject, filtered)) !== undefined);
  await slapd.modify(
    'dn: uid=bob,ou=people,dc=example,dc=test\nchangetype: modify\nreplace: employeeType\nemployeeType: left\n',
  );
  assert.equal(await lookUp(subject, filtered), undefined);
  await rejects(verify('bob', 'password of bob', filtered), 'LOGIN_REFUSED');
});

test('who must change their password changes it in the directory, by its policy, and signs in', async () => {
  await rejects(verify('mona', 'password of mona'), 'PASSWORD_EXPIRED');
  await rejects(verify('mona', 'wrong'), 'LOGIN_REFUSED');
  const change = (old: string, next: string, parameters?: Parameters) =>
    open(parameters).changePassword('mona', new Secret(old), new Secret(next));
  await rejects(change('wrong', 'a much better password'), 'LOGIN_REFUSED');
  await rejects(change('password of mona', 'short'), 'PASSWORD_TOO_WEAK');
  await rejects(change('password of mona', 'a much better password', { changePasswords: false }), 'CONFLICT');
  await change('password of mona', 'a much better password');
  assert.equal((await verify('mona', 'a much better password')).username, 'mona');
  await rejects(verify('mona', 'password of mona'), 'LOGIN_REFUSED');
});

test('settings without encryption, without a searcher or with a broken filter are refused', () => {
  const bad: readonly Parameters[] = [
    { servers: [] },
    { bindDn: ' ' },
    { peopleBase: '' },
    { peopleFilter: '(uid=' },
    { authorities: ['no certificate'] },
  ];
  for (const parameters of bad)
    assert.throws(
      () => open(parameters),
      (failure) => isFault(failure, 'INVALID_REQUEST'),
      JSON.stringify(parameters),
    );
});
