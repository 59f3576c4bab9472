import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import { isFault, type FaultCode } from '@enchilada/core/fault';
import { until } from '@enchilada/core/testing/until';
import { hashicorpVault } from './index.ts';
import { VaultStandIn } from './testing/index.ts';

const PLACE = 'machines/web 1';

describe('secrets in a vault', () => {
  let vault: VaultStandIn;
  before(async () => {
    vault = await VaultStandIn.start();
    vault.certificate.trust();
  });
  after(() => vault[Symbol.asyncDispose]());
  beforeEach(() => {
    vault.secrets.clear();
    vault.policies.clear();
    vault.secrets.set(`secret/${PLACE}`, { password: 'pässwörd "1"', key: 'PEM', port: 22, empty: '' });
    vault.policies.set('hvs.reader', [`secret/${PLACE}`, 'secret/gone', 'secret/deleted']);
    vault.secrets.set('secret/deleted', undefined);
    vault.calls.length = 0;
    Object.assign(vault, {
      isSealed: false,
      isThrottling: false,
      isSilent: false,
      raw: undefined,
      namespace: undefined,
    });
  });

  const open = (parameters: Readonly<Record<string, string>> = {}, secret: string | undefined = 'hvs.reader') =>
    hashicorpVault.open({
      id: 'sst_1',
      parameters: { address: vault.url, ...parameters },
      secret: secret === undefined ? undefined : new Secret(secret),
    });
  const read = async (store: ReturnType<typeof open>, path = PLACE, fields: readonly string[] = ['password']) =>
    (await store.read(path, fields, AbortSignal.timeout(5_000))).map((secret) => secret.reveal());
  const refused = (work: Promise<unknown>, code: FaultCode, words: RegExp) =>
    assert.rejects(work, (error) => {
      assert.ok(isFault(error, code), String(error));
      assert.match(error.message, words);
      assert.ok(!JSON.stringify([error.message, error.facts]).includes('hvs.'), 'no token in the words');
      return true;
    });

  it('reads what was asked for, each time anew', async () => {
    const store = open();
    assert.deepEqual(await read(store), ['pässwörd "1"']);
    assert.deepEqual(await read(store, `/${PLACE}/`, ['key', 'password']), ['PEM', 'pässwörd "1"']);
    vault.secrets.set(`secret/${PLACE}`, { password: 'rotated' });
    assert.deepEqual(await read(store), ['rotated']);
    assert.equal(vault.calls.length, 3);
  });

  it('signs in by AppRole for one reading and out again', async () => {
    vault.appRole.reads = [`secret/${PLACE}`];
    const store = open({ roleId: vault.appRole.roleId }, vault.appRole.secretId);
    assert.deepEqual(await read(store), ['pässwörd "1"']);
    assert.deepEqual(
      vault.calls.map((call) => call.split(' ').slice(0, 2).join(' ')),
      [
        'POST auth/approle/login',
        `GET secret/data/${PLACE.split('/').map(encodeURIComponent).join('/')}`,
        'POST auth/token/revoke-self',
      ],
    );
    vault.appRole.reads = [];
    await refused(read(store), 'SECRET_STORE_DENIED', /needs read on secret\/data\/machines/u);
    assert.equal(vault.revoked.length, 2);
    await refused(
      read(open({ roleId: vault.appRole.roleId }, 'wrong')),
      'SECRET_STORE_DENIED',
      /role id and secret id/u,
    );
  });

  it('names its namespace', async () => {
    vault.namespace = 'team/a';
    assert.deepEqual(await read(open({ namespace: 'team/a' })), ['pässwörd "1"']);
    await refused(read(open()), 'SECRET_NOT_FOUND', /no handler/u);
  });

  it('says in words what is missing: the permission, the secret, the field', async () => {
    await refused(
      read(open(), 'other'),
      'SECRET_STORE_DENIED',
      /needs read on secret\/data\/other: .*permission denied/u,
    );
    await refused(read(open({}, 'hvs.stolen')), 'SECRET_STORE_DENIED', /permission denied/u);
    await refused(read(open(), 'gone'), 'SECRET_NOT_FOUND', /nothing at secret\/data\/gone/u);
    await refused(read(open(), 'deleted'), 'SECRET_NOT_FOUND', /deleted/u);
    for (const field of ['absent', 'port', 'empty', 'constructor', '__proto__'])
      await refused(read(open(), PLACE, [field]), 'SECRET_NOT_FOUND', new RegExp(`under ${field}`, 'u'));
    await refused(
      hashicorpVault
        .open({ id: 'sst_1', parameters: { address: vault.url }, secret: undefined })
        .read(PLACE, ['x'], AbortSignal.timeout(5_000)),
      'SECRET_STORE_DENIED',
      /no token/u,
    );
  });

  it('has a certificate signed as it was asked for, and says why a role does not', async () => {
    const request = {
      ...{ keyId: 'user=a', principals: ['alice', 'role-web'], notBefore: 1_000_000, notAfter: 1_240_000 },
      ...{ sourceNetworks: ['10.0.0.0/8'], purpose: 'session' as const },
    };
    const asked: unknown[] = [];
    vault.signKey = (body) =>
      Promise.resolve(asked.push(body) === 1 ? 'the certificate' : new Error('key_id not allowed'));
    vault.policies.set('hvs.reader', ['ssh/sign/people']);
    const sign = (path: string) =>
      open().sign?.(path, { publicKey: 'ssh-ed25519 AAAA', request }, AbortSignal.timeout(5_000)) ??
      Promise.resolve('');
    assert.equal(await sign('ssh/sign/people'), 'the certificate');
    assert.deepEqual(asked, [
      {
        ...{ public_key: 'ssh-ed25519 AAAA', cert_type: 'user', key_id: 'user=a', valid_principals: 'alice,role-web' },
        ...{ ttl: '180s', critical_options: { 'source-address': '10.0.0.0/8' }, extensions: { 'permit-pty': '' } },
      },
    ]);
    await refused(sign('ssh/sign/people'), 'SECRET_STORE_DENIED', /update on ssh\/sign\/people: key_id not allowed/u);
    for (const path of ['ssh/issue/people', 'ssh/sign/a/b', 'sign/people', 'ssh/sign/../config/ca', 'secret/data/x'])
      await refused(sign(path), 'SECRET_NOT_FOUND', /no path/u);
  });

  it('leaves the mount by no path', async () => {
    for (const path of ['../sys/mounts', 'a/../../sys', '', '/', 'a//b', '.', 'a/./b'])
      await refused(read(open(), path), 'SECRET_NOT_FOUND', /no path|nothing at/u);
    await refused(read(open(), 'a?version=1#x'), 'SECRET_STORE_DENIED', /needs read/u);
    assert.deepEqual(vault.calls, ['GET secret/data/a%3Fversion%3D1%23x']);
  });

  it('is told apart from being away: sealed, throttling, silent, no JSON, too much, another certificate', async () => {
    vault.isSealed = true;
    await refused(read(open()), 'SECRET_STORE_UNAVAILABLE', /sealed/u);
    vault.isSealed = false;
    vault.isThrottling = true;
    await refused(read(open()), 'SECRET_STORE_UNAVAILABLE', /throttling/u);
    vault.isThrottling = false;
    for (const raw of ['no json', 'x'.repeat(2 * 1024 * 1024)]) {
      vault.raw = raw;
      await refused(read(open()), 'SECRET_STORE_UNAVAILABLE', /no JSON|more than/u);
    }
    vault.raw = undefined;
    vault.isSilent = true;
    vault.calls.length = 0;
    const late = new AbortController();
    const waiting = refused(open().read(PLACE, ['password'], late.signal), 'SECRET_STORE_UNAVAILABLE', /in time/u);
    await until(() => vault.calls.length > 0);
    late.abort(new DOMException('it took too long', 'TimeoutError'));
    await waiting;
    await using stranger = await VaultStandIn.start();
    await refused(read(open({ address: stranger.url })), 'SECRET_STORE_UNAVAILABLE', /cannot be reached/u);
  });
});
