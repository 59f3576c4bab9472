import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import { isFault, type FaultCode } from '@enchilada/core/fault';
import { BASE, type SambaAd, startSambaAd } from '@enchilada/core/testing/servers/samba-ad';
import { windowsLaps } from './index.ts';

const SERVERS = `OU=Servers,${BASE}`;
const READER = `reader@corp.test`;
const PASSWORD = 'R3ader!Passw0rd';
const SECRETS = ['lEgacy"1é', 'w1ndows\\"2', 'of two', 'encrypted bytes', 'never told'];
/** 2 January 2026, and 2126. */
const [PAST, FUTURE] = ['134117856000000000', '165675456000000000'];
const NOW = Date.UTC(2026, 5, 1);

const json = (password: string): string => JSON.stringify({ n: 'Administrator', t: '1d8161b41c41cde', p: password });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function computer(name: string, values: Readonly<Record<string, string>> = {}, below = SERVERS): string {
  const lines = Object.entries(values).map(([attribute, value]) => `${attribute}:: ${base64(value)}\n`);
  return `
dn: CN=${name},${below}
changetype: add
objectClass: computer
sAMAccountName: ${name}$
userAccountControl: 4096
${lines.join('')}`;
}

describe('passwords of Windows LAPS in Active Directory', () => {
  let directory: SambaAd;
  before(async () => {
    directory = await startSambaAd();
    const legacy = { 'ms-Mcs-AdmPwd': SECRETS[0] ?? '', 'ms-Mcs-AdmPwdExpirationTime': FUTURE };
    const windows = { 'msLAPS-Password': json(SECRETS[1] ?? ''), 'msLAPS-PasswordExpirationTime': FUTURE };
    await directory.modify(
      [
        `dn: ${SERVERS}\nchangetype: add\nobjectClass: organizationalUnit\n`,
        computer('OLD01', { ...legacy, dNSHostName: 'old01.corp.test' }),
        computer('NEW01', { ...windows, dNSHostName: 'new01.corp.test' }),
        computer('BOTH01', { ...windows, ...legacy, 'ms-Mcs-AdmPwdExpirationTime': PAST }),
        computer('NONE01'),
        computer('TWIN01', { dNSHostName: 'twin.corp.test', 'ms-Mcs-AdmPwd': SECRETS[2] ?? '' }),
        computer('TWIN02', { dNSHostName: 'twin.corp.test', 'ms-Mcs-AdmPwd': SECRETS[2] ?? '' }),
        computer('SEALED01', { 'msLAPS-EncryptedPassword': SECRETS[3] ?? '', 'msLAPS-PasswordExpirationTime': FUTURE }),
        computer('ODD01', { 'msLAPS-Password': SECRETS[4] ?? '', 'msLAPS-PasswordExpirationTime': FUTURE }),
        computer('ODD02', { 'msLAPS-Password': `{"n":"${SECRETS[4] ?? ''}"}` }),
        computer('ODD03', { 'msLAPS-Password': `{"n":"of one\\nthat is told","p":"${SECRETS[4] ?? ''}"}` }),
        computer('ODD04', { 'msLAPS-Password': `{"p":"${SECRETS[4] ?? ''}"}` }),
        computer('ODD05', { 'msLAPS-Password': 'null' }),
        computer('LATE01', { ...legacy, 'ms-Mcs-AdmPwdExpirationTime': PAST }),
        computer('AWAY01', legacy, `CN=Computers,${BASE}`),
      ].join('\n'),
    );
    for (const name of ['reader', 'stranger', 'clerk']) await directory.tool('user', 'create', name, PASSWORD);
    const clear = ['ms-Mcs-AdmPwd', 'msLAPS-Password'];
    await directory.allowReading('reader', SERVERS, [...clear, 'msLAPS-EncryptedPassword']);
    await directory.allowReading('clerk', SERVERS, clear);
  });
  after(() => directory[Symbol.asyncDispose]());

  interface Change {
    readonly parameters?: Readonly<Record<string, string | boolean | string[]>>;
    readonly secret?: string | undefined;
    readonly servers?: string[];
    readonly account?: string;
  }
  const open = ({ parameters, secret = PASSWORD, servers }: Change = {}) =>
    windowsLaps({ clock: { now: () => NOW } }).open({
      id: 'sst_1',
      parameters: {
        servers: servers ?? [`ldaps://localhost:${directory.ldapsPort}`],
        ...{ serverName: 'dc1.corp.test', authorities: directory.ca.split('\n') },
        ...{ bindDn: READER, computerBase: SERVERS, ...parameters },
      },
      secret: new Secret(secret),
    });
  const read = async (path: string, change?: Change): Promise<string | undefined> =>
    (await open(change).read(path, [change?.account ?? 'Administrator'], AbortSignal.timeout(10_000)))[0]?.reveal();
  const refused = (work: Promise<unknown>, code: FaultCode, words: RegExp) =>
    assert.rejects(work, (error) => {
      assert.ok(isFault(error, code), String(error));
      assert.match(error.message, words);
      const told = JSON.stringify([error.message, error.facts]);
      for (const secret of [PASSWORD, ...SECRETS]) assert.ok(!told.includes(secret), told);
      return true;
    });

  it('reads the password of legacy LAPS and of Windows LAPS, by account name and by host name', async () => {
    for (const path of ['OLD01', 'old01', 'OLD01$', ' old01.corp.test '])
      assert.equal(await read(path), SECRETS[0], path);
    for (const path of ['NEW01', 'NEW01.CORP.TEST']) assert.equal(await read(path), SECRETS[1], path);
    const startTls = { servers: [`ldap://localhost:${directory.ldapPort}`] };
    assert.equal(await read('NEW01', startTls), SECRETS[1], 'by StartTLS');
    const dead = { servers: ['ldaps://localhost:1', `ldaps://localhost:${directory.ldapsPort}`] };
    assert.equal(await read('NEW01', dead), SECRETS[1], 'of the server that answers');
  });

  it('takes Windows LAPS before the legacy one, or the one it is told to', async () => {
    assert.equal(await read('BOTH01'), SECRETS[1]);
    assert.equal(await read('BOTH01', { parameters: { generation: 'legacy' } }), SECRETS[0]);
    await refused(
      read('OLD01', { parameters: { generation: 'windows' } }),
      'SECRET_NOT_FOUND',
      /no password in msLAPS/u,
    );
    await refused(
      read('NEW01', { parameters: { generation: 'legacy' } }),
      'SECRET_NOT_FOUND',
      /no password in ms-Mcs/u,
    );
  });

  it('reads what has expired, unless it is told not to', async () => {
    assert.equal(await read('LATE01'), SECRETS[0]);
    const strict = { parameters: { refuseExpired: true } };
    await refused(read('LATE01', strict), 'SECRET_NOT_FOUND', /by 2026-01-02T00:00:00\.000Z and has not/u);
    assert.equal(await read('OLD01', strict), SECRETS[0]);
  });

  it('says in words what is missing: the right, the computer, the password', async () => {
    const stranger = { parameters: { bindDn: 'stranger@corp.test' } };
    await refused(
      read('NEW01', stranger),
      'SECRET_STORE_DENIED',
      /read and control access on msLAPS-Password of CN=NEW01/u,
    );
    await refused(
      read('OLD01', stranger),
      'SECRET_STORE_DENIED',
      /read and control access on ms-Mcs-AdmPwd of CN=OLD01/u,
    );
    await refused(read('NONE01'), 'SECRET_NOT_FOUND', /no password in msLAPS-Password or ms-Mcs-AdmPwd/u);
    await refused(read('GONE01'), 'SECRET_NOT_FOUND', /is no computer below OU=Servers/u);
    await refused(read('AWAY01'), 'SECRET_NOT_FOUND', /is no computer below OU=Servers/u);
    await refused(read('twin.corp.test'), 'SECRET_NOT_FOUND', /several computers/u);
    await refused(
      read('OLD01', { parameters: { computerBase: `OU=Gone,${BASE}` } }),
      'SECRET_NOT_FOUND',
      /no OU=Gone/u,
    );
    for (const path of ['', '$', '10.0.0.1', 'fe80::1', 'a\0b', 'x'.repeat(300)])
      await refused(read(path), 'SECRET_NOT_FOUND', /is no name of a computer|is an address/u);
  });

  it('gives the password of Windows LAPS to the account alone that it is of', async () => {
    for (const account of ['administrator', '.\\Administrator', 'NEW01\\Administrator', 'new01\\ADMINISTRATOR'])
      assert.equal(await read('new01.corp.test', { account }), SECRETS[1], account);
    for (const account of ['root', 'CORP\\Administrator', 'Administrator@corp.test', '.\\root'])
      await refused(
        read('NEW01', { account }),
        'SECRET_NOT_FOUND',
        /keeps the password of Administrator, and the user name of the credential is (?!empty)/u,
      );
    await refused(read('NEW01', { account: '' }), 'SECRET_NOT_FOUND', /user name of the credential is empty/u);
    await refused(read('ODD03'), 'SECRET_NOT_FOUND', /keeps the password of another account/u);
    assert.equal(await read('OLD01', { account: 'root' }), SECRETS[0], 'which legacy LAPS does not say');
  });

  it('refuses what Windows LAPS has encrypted, and what it has not written', async () => {
    await refused(
      read('SEALED01'),
      'SECRET_NOT_FOUND',
      /encrypted \(msLAPS-EncryptedPassword\), which cannot be read/u,
    );
    const clerk = { parameters: { bindDn: 'clerk@corp.test' } };
    await refused(read('SEALED01', clerk), 'SECRET_STORE_DENIED', /or the password is kept encrypted/u);
    for (const path of ['ODD01', 'ODD02', 'ODD04', 'ODD05'])
      await refused(read(path), 'SECRET_NOT_FOUND', /does not write/u);
  });

  it('compares a name as it stands, whatever signs of filters it holds', async () => {
    for (const path of [
      ...[
        '*',
        'OLD*',
        'OLD01*',
        '*)(cn=*',
        'OLD01)(|(cn=*',
        '\\4fLD01',
        'OLD01\\',
        '(cn=OLD01)',
        'x)(sAMAccountName=OLD01$',
      ],
      ...[
        'CN=OLD01',
        `CN=OLD01,${SERVERS}`,
        '>=OLD01',
        '~=OLD01',
        '!OLD01',
        '&',
        '|(cn=OLD01)',
        'administrator',
        'reader',
      ],
    ])
      await refused(read(path), 'SECRET_NOT_FOUND', /is no computer below/u);
  });

  it('tells nothing to a server that is not vouched for, and binds nobody without a password', async () => {
    await refused(read('OLD01', { parameters: { authorities: [] } }), 'SECRET_STORE_UNAVAILABLE', /cannot be reached/u);
    const misnamed = { parameters: { serverName: 'dc2.corp.test' } };
    await refused(read('OLD01', misnamed), 'SECRET_STORE_UNAVAILABLE', /cannot be reached/u);
    await refused(read('OLD01', { secret: 'wrong' }), 'SECRET_STORE_DENIED', /does not accept reader@corp\.test/u);
    await refused(read('OLD01', { secret: '' }), 'SECRET_STORE_DENIED', /no password is stored/u);
    await refused(
      read('OLD01', { servers: ['ldaps://localhost:1'] }),
      'SECRET_STORE_UNAVAILABLE',
      /cannot be reached/u,
    );
  });

  it('waits no longer than it may', async () => {
    let connections = 0;
    const late = new AbortController();
    const silent = createServer((socket) => {
      connections += 1;
      // Its time is over once it has been asked.
      socket.once('data', () => late.abort(new DOMException('it took too long', 'TimeoutError')));
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    assert.ok(address !== null && typeof address === 'object');
    const store = open({ servers: [`ldaps://localhost:${address.port}`] });
    const reading = store.read('OLD01', ['Administrator'], late.signal);
    await refused(reading, 'SECRET_STORE_UNAVAILABLE', /in time/u);
    // Which it does once nobody is connected.
    await new Promise((resolve) => silent.close(resolve));
    assert.equal(connections, 1);
  });

  it('refuses settings that lead nowhere', () => {
    for (const parameters of [{ servers: [] }, { bindDn: ' ' }, { computerBase: '' }, { authorities: ['none'] }])
      assert.throws(
        () => open({ parameters }),
        (failure) => isFault(failure, 'INVALID_REQUEST'),
        JSON.stringify(parameters),
      );
  });
});
