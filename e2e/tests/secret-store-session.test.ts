import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { AwsSecretsStandIn } from '@enchilada/adapters/shared/aws/testing';
import { VaultStandIn } from '@enchilada/adapters/secret-store/hashicorp-vault/testing';
import { generateKey } from '@enchilada/core/testing/servers/sshd';
import { Site, startSshd } from './site.ts';
import { filesOf, findCanaries, Mirror } from './traces.ts';

test('secrets stay in their store: fetched for the session alone, found nowhere afterwards, refusals in words', async () => {
  using mirror = new Mirror();
  await using sshd = await startSshd({ hostKeyTypes: ['ed25519'] });
  await using vault = await VaultStandIn.start();
  await using cloud = await AwsSecretsStandIn.start();
  const passphrase = `pass"é~${randomBytes(12).toString('base64url')}`;
  const key = await generateKey(['-t', 'ed25519', '-a', '4'], passphrase);
  await sshd.authorize(key.publicKey);
  const token = `hvs.${randomBytes(24).toString('base64url')}`;
  vault.secrets.set('secret/machines/one', { password: sshd.password, key: key.privateKey, passphrase });
  vault.policies.set(token, ['secret/machines/one']);
  cloud.secrets.set('machines/one', { AWSCURRENT: JSON.stringify({ password: sshd.password, note: `note-${token}` }) });
  cloud.policies.set('node', ['secretsmanager:GetSecretValue machines/one']);
  await using site = await Site.start({
    config: 'log: { level: trace }\n',
    environment: { NODE_EXTRA_CA_CERTS: vault.certificate.certFile, ...cloud.environment },
  });
  const { api } = site.admin;
  const store = await api.createSecretStore({
    body: { name: 'vault', kind: 'hashicorp-vault', parameters: { address: vault.url }, secret: token },
  });
  const machine = async (
    name: string,
    kind: 'password' | 'private-key',
    reference: { path: string; field: string; passphraseField?: string; storeId?: string },
  ) => {
    const { id } = await api.createCredential({
      body: { name, kind, username: sshd.username, reference: { storeId: store.id, ...reference } },
    });
    return site.machine({ host: sshd.host, port: sshd.port, name, credentialId: id });
  };
  const path = 'machines/one';
  const byPassword = await machine('by password', 'password', { path, field: 'password' });
  const byKey = await machine('by key', 'private-key', { path, field: 'key', passphraseField: 'passphrase' });
  const inCloud = await api.createSecretStore({
    body: { name: 'cloud', kind: 'aws-secrets-manager', parameters: { region: cloud.region } },
  });
  const fromCloud = await machine('from the cloud', 'password', { path, field: 'password', storeId: inCloud.id });
  for (const id of [byPassword, byKey, byKey, fromCloud]) {
    const shell = await site.admin.open(id);
    await shell.live();
    shell.type('exit\r');
    await shell.ended();
  }
  // Nothing is kept between two sessions.
  assert.equal(vault.calls.length, 3);
  assert.deepEqual(cloud.calls, ['secretsmanager:GetSecretValue machines/one']);
  const wrongField = await machine('wrong field', 'password', { path, field: 'absent' });
  const forbidden = await machine('forbidden', 'password', { path: 'machines/two', field: 'password' });
  const endOf = async (id: string) => (await (await site.admin.open(id)).ended()).fault;
  assert.equal((await endOf(wrongField))?.code, 'SECRET_NOT_FOUND');
  const denied = await endOf(forbidden);
  assert.equal(denied?.code, 'SECRET_STORE_DENIED');
  assert.equal(denied.facts['permission'], 'read on secret/data/machines/two');
  vault.isSealed = true;
  assert.equal((await endOf(byPassword))?.code, 'SECRET_STORE_UNAVAILABLE');

  // What the gateway proves itself with goes to no other address.
  const moved = { name: 'vault', parameters: { address: 'https://elsewhere.test' }, version: store.version };
  await assert.rejects(api.updateSecretStore({ params: { id: store.id }, body: moved }), { status: 400 });
  await assert.rejects(api.deleteSecretStore({ params: { id: store.id } }), { status: 409 });
  await Promise.all([api.listSecretStores(), api.listCredentials(), api.listAudit({ query: { limit: 500 } })]);
  const places = [
    ...(await filesOf(site.gateway.dataDir)),
    { name: 'log', bytes: Buffer.from(site.gateway.log) },
    ...(await mirror.places()),
  ];
  const lines = key.privateKey.split('\n');
  const awsKey = cloud.environment['AWS_SECRET_ACCESS_KEY'] ?? '';
  const canaries = { token, passphrase, awsKey, password: sshd.password, key: lines.slice(2, 4).join('\n') };
  assert.deepEqual(findCanaries(places, canaries), []);
});
