import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { SecretStoreType } from '@enchilada/core/credential';
import { checkParameters } from '@enchilada/core/engine';
import { type FaultCode, isFault } from '@enchilada/core/fault';
import { until } from '@enchilada/core/testing/until';
import { AwsSecretsStandIn } from '../shared/aws/testing/index.ts';
import { KeyVaultStandIn } from '../shared/azure/testing/index.ts';
import { awsParameterStore } from './aws-parameter-store/index.ts';
import { awsSecretsManager } from './aws-secrets-manager/index.ts';
import { keyVaultSecrets } from './azure-key-vault/index.ts';

const VALUE = JSON.stringify({ username: 'deploy', password: 'pässwörd "1"', port: 22, empty: '' });
const ROLE = 'arn:aws:iam::222222222222:role/EnchiladaSecrets';
const CANARIES = ['pässwörd', 'whole-secret'];
/** A hanging service is told apart by the signal; how long it takes is the caller's. */
const LIMIT_MS = 8_000;

/** Its time is over once one more call came, however long that took. */
function timeOverWhenAsked(calls: readonly string[]): AbortSignal {
  const [late, before] = [new AbortController(), calls.length];
  void until(() => calls.length > before).then(() => {
    late.abort(new DOMException('it took too long', 'TimeoutError'));
  });
  return late.signal;
}

const refused = (work: Promise<unknown>, code: FaultCode, words: RegExp) =>
  assert.rejects(work, (error) => {
    assert.ok(isFault(error, code), String(error));
    assert.match(error.message, words);
    const said = JSON.stringify([error.message, error.facts, String(error.cause)]);
    for (const canary of CANARIES) assert.ok(!said.includes(canary), said);
    return true;
  });
const readFrom = async (
  store: ReturnType<SecretStoreType['open']>,
  path: string,
  fields: readonly string[],
  signal = AbortSignal.timeout(LIMIT_MS),
) => (await store.read(path, fields, signal)).map((secret) => secret.reveal());

for (const { type, permission, put, path } of [
  {
    type: awsSecretsManager,
    permission: 'secretsmanager:GetSecretValue',
    path: 'prod/web',
    put: (cloud: AwsSecretsStandIn, name: string, value: string) =>
      cloud.secrets.set(name, { AWSCURRENT: value, AWSPREVIOUS: 'before' }),
  },
  {
    type: awsParameterStore,
    permission: 'ssm:GetParameter',
    path: '/prod/web',
    put: (cloud: AwsSecretsStandIn, name: string, value: string) =>
      cloud.parameters.set(name, { 0: value, 1: 'before' }),
  },
])
  describe(`secrets in ${type.manifest.kind}`, () => {
    let cloud: AwsSecretsStandIn;
    before(async () => {
      cloud = await AwsSecretsStandIn.start();
      Object.assign(process.env, cloud.environment);
    });
    after(() => cloud[Symbol.asyncDispose]());
    beforeEach(() => {
      Object.assign(cloud, { isThrottling: false, isSilent: false, raw: undefined });
      put(cloud, path, VALUE);
      put(cloud, `${path}-whole`, 'whole-secret');
      const paths = [path, `${path}-whole`, `${path}-none`, `${path}:1`];
      cloud.policies.set(
        'node',
        paths.map((one) => `${permission} ${one}`),
      );
      cloud.calls.length = 0;
    });
    const open = (parameters: Readonly<Record<string, string>> = {}) =>
      type.open({ id: 'sst_1', parameters: { region: cloud.region, ...parameters }, secret: undefined });

    it('are read by field or whole, each time anew, with the role of the node', async () => {
      assert.deepEqual(await readFrom(open(), path, ['password', 'username']), ['pässwörd "1"', 'deploy']);
      assert.deepEqual(await readFrom(open(), `${path}-whole`, ['']), ['whole-secret']);
      put(cloud, path, '{"password":"rotated"}');
      assert.deepEqual(await readFrom(open(), path, ['password']), ['rotated']);
      assert.deepEqual(
        cloud.calls,
        [path, `${path}-whole`, path].map((one) => `${permission} ${one}`),
      );
    });

    it('are read with a role of another account, by the external id of this store alone', async () => {
      cloud.roles.set(ROLE, 'enchilada-sst_1');
      cloud.policies.set(ROLE, [`${permission} ${path}`]);
      cloud.policies.set('node', []);
      assert.deepEqual(await readFrom(open({ roleArn: ROLE }), path, ['username']), ['deploy']);
      cloud.roles.set(ROLE, 'enchilada-sst_2');
      await refused(
        readFrom(open({ roleArn: ROLE }), path, ['username']),
        'SECRET_STORE_DENIED',
        /refused sts:AssumeRole/u,
      );
    });

    it('say in words what is missing: the permission, the secret, the field', async () => {
      await refused(
        readFrom(open(), '/other', ['x']),
        'SECRET_STORE_DENIED',
        new RegExp(`refused ${permission} on /other`, 'u'),
      );
      await refused(readFrom(open(), `${path}-none`, ['x']), 'SECRET_NOT_FOUND', /knows nothing/u);
      for (const field of ['absent', 'port', 'empty', 'constructor', '__proto__'])
        await refused(readFrom(open(), path, [field]), 'SECRET_NOT_FOUND', new RegExp(`no text under ${field}`, 'u'));
      await refused(readFrom(open(), `${path}-whole`, ['password']), 'SECRET_NOT_FOUND', /no text under password/u);
      for (const strange of ['', 'a b', 'x?y', '../ x'])
        await refused(readFrom(open(), strange, ['x']), 'SECRET_NOT_FOUND', /is no name/u);
    });

    it('tell a service that is throttling, silent, redirecting or babbling apart from a refusal', async () => {
      cloud.isThrottling = true;
      await refused(readFrom(open(), path, ['password']), 'SECRET_STORE_UNAVAILABLE', /throttled/u);
      cloud.isThrottling = false;
      cloud.raw = { status: 302, body: '', location: 'https://elsewhere.test/' };
      await refused(readFrom(open(), path, ['password']), 'SECRET_STORE_UNAVAILABLE', /failed/u);
      cloud.raw = { status: 200, body: `{"SecretString":"${'x'.repeat(3 * 1024 * 1024)}"}` };
      await refused(readFrom(open(), path, ['password']), 'SECRET_STORE_UNAVAILABLE', /more than 1048576 bytes/u);
      cloud.raw = { status: 200, body: 'no json' };
      await refused(readFrom(open(), path, ['password']), 'SECRET_STORE_UNAVAILABLE', /failed/u);
      cloud.raw = undefined;
      cloud.isSilent = true;
      const hanging = readFrom(open(), path, ['password'], timeOverWhenAsked(cloud.calls));
      await refused(hanging, 'SECRET_STORE_UNAVAILABLE', /did not answer .* in time/u);
    });
  });

describe('a version of a secret', () => {
  it('is chosen by its stage in one store, and by its number in the path in the other', async () => {
    await using cloud = await AwsSecretsStandIn.start();
    Object.assign(process.env, cloud.environment);
    cloud.secrets.set('a', { AWSCURRENT: 'now', AWSPREVIOUS: 'before' });
    cloud.parameters.set('/a', { 0: 'now', 1: 'before' });
    cloud.policies.set('node', ['secretsmanager:GetSecretValue a', 'ssm:GetParameter /a:1']);
    const settings = { id: 'sst_1', secret: undefined };
    const parameters = { region: cloud.region };
    const previous = awsSecretsManager.open({
      ...settings,
      parameters: { ...parameters, versionStage: 'AWSPREVIOUS' },
    });
    assert.deepEqual(await readFrom(previous, 'a', ['']), ['before']);
    assert.deepEqual(await readFrom(awsParameterStore.open({ ...settings, parameters }), '/a:1', ['']), ['before']);
  });
});

describe('secrets in Azure Key Vault', () => {
  let vault: KeyVaultStandIn;
  before(async () => {
    vault = await KeyVaultStandIn.start();
    vault.certificate.trust();
    Object.assign(process.env, vault.environment);
  });
  after(() => vault[Symbol.asyncDispose]());
  beforeEach(() => {
    Object.assign(vault, { isThrottling: false, isSilent: false, raw: undefined });
    vault.allowed.add('secrets/read');
    vault.calls.length = 0;
  });
  const open = () =>
    keyVaultSecrets({ alsoAt: vault.url }).open({ id: 'sst_1', parameters: { url: vault.url }, secret: undefined });

  it('are read by field or whole, the newest or a version, with the identity of the node', async () => {
    const first = vault.put('web', VALUE);
    vault.put('web', 'whole-secret');
    assert.deepEqual(await readFrom(open(), 'web', ['']), ['whole-secret']);
    assert.deepEqual(await readFrom(open(), `web/${first}`, ['password']), ['pässwörd "1"']);
    assert.deepEqual(vault.calls, ['GET /secrets/web', `GET /secrets/web/${first}`]);
  });

  it('say in words what is missing, and what is no refusal', async () => {
    vault.put('web', VALUE);
    await refused(readFrom(open(), 'none', ['']), 'SECRET_NOT_FOUND', /SecretNotFound/u);
    await refused(readFrom(open(), 'web', ['absent']), 'SECRET_NOT_FOUND', /no text under absent/u);
    for (const path of ['', '..', 'a/b', 'a?x', `a/${'g'.repeat(32)}`])
      await refused(readFrom(open(), path, ['']), 'SECRET_NOT_FOUND', /is no name/u);
    vault.allowed.delete('secrets/read');
    await refused(
      readFrom(open(), 'web', ['']),
      'SECRET_STORE_DENIED',
      /refused Microsoft\.KeyVault\/vaults\/secrets\/getSecret/u,
    );
    vault.allowed.add('secrets/read');
    vault.isThrottling = true;
    await refused(readFrom(open(), 'web', ['']), 'SECRET_STORE_UNAVAILABLE', /throttling/u);
    vault.isThrottling = false;
    vault.raw = { status: 302, body: '', location: 'https://elsewhere.test/' };
    await refused(readFrom(open(), 'web', ['']), 'SECRET_STORE_UNAVAILABLE', /answered 302/u);
    vault.raw = { status: 200, body: 'x'.repeat(3 * 1024 * 1024) };
    await refused(readFrom(open(), 'web', ['']), 'SECRET_STORE_UNAVAILABLE', /more than 1048576 bytes/u);
    vault.raw = undefined;
    vault.isSilent = true;
    const hanging = readFrom(open(), 'web', [''], timeOverWhenAsked(vault.calls));
    await refused(hanging, 'SECRET_STORE_UNAVAILABLE', /did not answer in time/u);
  });

  it('are asked for in vaults of Azure alone: the token of the node goes nowhere else', () => {
    const { manifest } = keyVaultSecrets();
    const isTaken = (url: string): boolean => checkParameters(manifest, { url }).length === 0;
    for (const url of [
      'https://corp-1.vault.azure.net',
      'https://corp.vault.azure.cn/',
      'https://corp.vault.usgovcloudapi.net',
    ])
      assert.ok(isTaken(url), url);
    for (const url of [
      'https://evil.test',
      'http://corp.vault.azure.net',
      'https://evil.test/.vault.azure.net',
      'https://evil.test#.vault.azure.net',
      'https://a@evil.vault.azure.net',
      'https://corp.vault.azure.net.evil.test',
      'https://x.corp.vault.azure.net',
      'https://corp.vault.azure.net:8443',
      'https://127.0.0.1',
    ])
      assert.ok(!isTaken(url), url);
  });
});
