import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envelopeVault } from '@enchilada/adapters/credential-vault/envelope';
import { openFileKeyEncryption } from '@enchilada/adapters/key-encryption/file';
import type { Source } from '@enchilada/contract';
import { Secret, type SecretStoreType } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import { systemClock as clock, testLeave } from '@enchilada/core/testing/authorized';
import { aCredential } from '@enchilada/core/testing/store-fixture';
import { systemRandom as random } from '../clock.ts';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';
import { SecretStores } from './secret-stores.ts';

/** Answers what it was asked for. */
const directory: SecretStoreType = {
  manifest: {
    ...{ kind: 'directory', label: { en: 'Directory', de: 'Verzeichnis' }, parameters: [] },
    ...{ holdsWholeValues: true, passwordsOfMachines: true },
  },
  open: () => ({
    read: (path, accounts) => Promise.resolve(accounts.map((account) => new Secret(`${account} of ${path}`))),
  }),
};

async function ready() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'root');
  const send = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) => {
    const answer = await call(node, method, path, { cookie, ...(body === undefined ? {} : { body }) });
    assert.ok(answer.statusCode < 300, answer.body);
    return answer;
  };
  const { store } = fixture;
  const keys = await openFileKeyEncryption({ path: `${fixture.folder}/kek`, random });
  const vault = new SecretStores({ store, keys, clock, types: [directory] }).around(
    envelopeVault({ keyEncryption: keys, random }),
  );
  await store.now.secretStores.insert({
    ...{ id: 'sst_1', kind: 'directory', name: 'AD', parameters: {}, secret: undefined },
    ...{ version: 1, createdAt: 1, updatedAt: 1 },
  });
  /** What the machine is opened with. */
  const passwordOf = async (machine: string, path: string): Promise<string> => {
    const [target] = await store.now.catalog.findTargetsByName([machine]);
    assert.ok(target, machine);
    const record = aCredential({
      ...{ kind: 'password', username: 'Administrator', sealed: undefined },
      reference: { storeId: 'sst_1', path, field: '' },
    });
    const credential = await vault.unseal(record, testLeave({ ...target, credentialId: record.id }));
    assert.equal(credential.kind, 'password');
    return credential.password.reveal();
  };
  return { fixture, send, passwordOf };
}

test('the password of one account is asked for, on the computer that the template of the machine names', async () => {
  const { fixture, send, passwordOf } = await ready();
  await using _ = fixture;
  await send('POST', '/targets', {
    ...{ name: 'WEB01', protocol: 'proto', host: 'web02.corp.example', port: 22, hostKeyPolicy: 'ask' },
    ...{ labels: {}, description: '', parameters: {} },
  });
  assert.equal(await passwordOf('WEB01', '{host}'), 'Administrator of web02.corp.example');
  assert.equal(await passwordOf('WEB01', '{host.name}'), 'Administrator of web02');
  assert.equal(await passwordOf('WEB01', '{name}'), 'Administrator of WEB01');
});

test('the name of a machine that was discovered names no computer, also after its source was removed', async () => {
  const { fixture, send, passwordOf } = await ready();
  await using _ = fixture;
  // Whoever may start a machine may call it so, and its public address too.
  fixture.cloud.put({ account: '111111111111', region: 'eu-west-1' }, 'i-1', {
    ...{ name: 'DC01', publicName: 'dc01.cloud.example', tags: { Name: 'DC01' } },
  });
  await send('PUT', '/discovery/rules', {
    version: 0,
    rules: [{ name: 'public', enabled: true, match: {}, outcome: { address: 'public-name' } }],
  });
  const settings = { name: 'cloud', parameters: {}, protectedTags: [] };
  const source = (
    await send('POST', '/discovery/sources', { ...settings, kind: 'example', enabled: true })
  ).json<Source>();
  await send('POST', `/discovery/sources/${source.id}/sweep`);
  const isRefused = async (): Promise<void> => {
    for (const path of ['{name}', 'x{name}', '{host.name}'])
      await assert.rejects(
        passwordOf('DC01', path),
        (failure) => isFault(failure, 'SECRET_NOT_FOUND') && /was discovered: use \{host\}/u.test(failure.message),
        path,
      );
    assert.equal(await passwordOf('DC01', '{host}'), 'Administrator of dc01.cloud.example');
  };
  await isRefused();
  await send('PUT', `/discovery/sources/${source.id}`, { ...settings, enabled: false, version: source.version });
  await isRefused();
  await send('DELETE', `/discovery/sources/${source.id}`);
  assert.deepEqual(await fixture.store.now.discovery.listSources(), []);
  await isRefused();
});
