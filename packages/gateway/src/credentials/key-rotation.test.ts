import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bindingOfEnvelope, envelopeVault } from '@enchilada/adapters/credential-vault/envelope';
import { openFileKeyEncryption } from '@enchilada/adapters/key-encryption/file';
import { vaultTransit } from '@enchilada/adapters/key-encryption/vault-transit';
import { VaultStandIn } from '@enchilada/adapters/secret-store/hashicorp-vault/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { Secret, SecretBytes } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import { systemClock as clock, testLeave } from '@enchilada/core/testing/authorized';
import { ManualClock } from '@enchilada/core/testing/recorder-parts';
import { aCredential, aTarget } from '@enchilada/core/testing/store-fixture';
import { until } from '@enchilada/core/testing/until';
import { systemRandom as random } from '../clock.ts';
import { KEY_FILE, openKeyRing } from './key-ring.ts';
import { KeyRotation } from './key-rotation.ts';
import { SecretStores, storeSecretContext } from './secret-stores.ts';

describe('a new key-encryption key', () => {
  let folder: string;
  let store: Store;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'enchilada-rotation-'));
    store = sqlite({ file: join(folder, 'db') });
    await store.migrate();
  });
  after(async () => {
    await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const fileKey = (name: string) => () => openFileKeyEncryption({ path: join(folder, name), random });
  /** Stands for a service: a file of another name. */
  const type = (name: string) => ({ scheme: name, label: name, open: fileKey(name) });
  const ring = (key: string | undefined, alsoOpens = '') =>
    openKeyRing({ key, alsoOpens, random, types: [type('new'), type('other')], openFile: fileKey('old') });
  const rotationWith = async (keys: Awaited<ReturnType<typeof ring>>) =>
    new KeyRotation({ store, keys, clock, bindingOf: bindingOfEnvelope, report: () => undefined });

  it('takes over everything that is sealed while it is opened by both nodes, and the old one is needed no more', async () => {
    const old = await ring(undefined);
    const vault = envelopeVault({ keyEncryption: old, random });
    const ids = Array.from({ length: 150 }, (_, index) => `crd_${index.toString().padStart(4, '0')}`);
    for (const id of ids) {
      const sealed = await vault.seal({ id, version: 1, password: new Secret(`password of ${id}`) });
      await store.now.credentials.insert(aCredential({ id, name: id, kind: 'password', sealed }));
    }
    const stores = new SecretStores({ store, keys: old, clock, types: [] });
    await store.now.secretStores.insert({
      ...{ id: 'sst_1', kind: 'x', name: 'x', parameters: {}, version: 1, createdAt: 1, updatedAt: 1 },
      secret: await stores.seal('sst_1', new Secret('token')),
    });
    const opens = async (keys: Awaited<ReturnType<typeof ring>>, id: string): Promise<string> => {
      const record = await store.now.credentials.find(id);
      assert.ok(record !== undefined);
      const leave = testLeave(aTarget({ credentialId: id }));
      const credential = await envelopeVault({ keyEncryption: keys, random }).unseal(record, leave);
      return credential.kind === 'password' ? credential.password.reveal() : '';
    };
    const lagging = await ring(KEY_FILE, 'new:');
    const leading = await ring('new:', KEY_FILE);
    const rotation = await rotationWith(leading);
    const node = { url: '', version: '1', startedAt: 1 };
    await store.now.nodes.join({ ...node, id: 'a', keyIds: leading.opens });
    await store.now.nodes.join({ ...node, id: 'b', keyIds: old.opens });
    await assert.rejects(
      rotation.turn(),
      (error) => isFault(error, 'CONFLICT') && /not configured on b/u.test(error.message),
    );
    await store.now.nodes.join({ ...node, id: 'b', keyIds: lagging.opens });

    let isDone = false;
    const reading = (async () => {
      for (let at = 0; !isDone; at++) {
        const id = ids[at % ids.length] ?? '';
        for (const keys of [lagging, leading]) assert.equal(await opens(keys, id), `password of ${id}`);
      }
    })();
    assert.equal(rotation.isTurning, false);
    const turning = rotation.turn();
    assert.equal(rotation.isTurning, true);
    const turn = await turning.finally(() => {
      isDone = true;
    });
    assert.equal(rotation.isTurning, false);
    await reading;
    assert.deepEqual(turn, { rewrapped: 151, failed: 0, remaining: 0 });
    const alone = await ring('new:');
    for (const id of ids) assert.equal(await opens(alone, id), `password of ${id}`);
    const kept = (await store.now.secretStores.find('sst_1'))?.secret;
    assert.ok(kept !== undefined);
    const back = await alone.unwrap(kept, storeSecretContext('sst_1'));
    assert.equal(Buffer.from(back.reveal()).toString(), 'token');
    assert.deepEqual(await rotation.turn(), { rewrapped: 0, failed: 0, remaining: 0 });
  });

  it('leaves what no key opens as it is, and says how much that is', async () => {
    const strange = await ring('other:');
    const sealed = await envelopeVault({ keyEncryption: strange, random }).seal({
      ...{ id: 'crd_strange', version: 1 },
      password: new Secret('x'),
    });
    await store.now.credentials.insert(aCredential({ id: 'crd_strange', name: 'strange', kind: 'password', sealed }));
    const moved = await store.now.credentials.find('crd_0001');
    assert.ok(moved?.sealed !== undefined);
    // An envelope that was moved into another row opens nowhere.
    const foreign = { ...sealed, keyId: (await ring(undefined)).keyId };
    await store.now.credentials.insert(
      aCredential({ id: 'crd_forged', name: 'forged', kind: 'password', sealed: foreign }),
    );
    const said: string[] = [];
    const keys = await ring('new:', KEY_FILE);
    await store.now.nodes.join({ id: 'b', url: '', version: '1', startedAt: 1, keyIds: keys.opens });
    const rotation = new KeyRotation({
      ...{ store, keys, clock, bindingOf: bindingOfEnvelope },
      report: (message) => void said.push(message),
    });
    assert.deepEqual(await rotation.turn(), { rewrapped: 0, failed: 1, remaining: 2 });
    await rotation.reportLost();
    assert.match(
      said.join('\n'),
      /crd_forged could not be wrapped anew\n1 of the kind credential are sealed by the key/u,
    );
  });

  it('is given up after ten seconds where its service answers nothing: at a start, and in the turns of a rotation', async () => {
    await using vault = await VaultStandIn.start();
    vault.certificate.trust();
    vault.transitKeys.set('kek', [randomBytes(32)]);
    vault.policies.set('token', ['transit/encrypt/kek', 'transit/decrypt/kek']);
    await writeFile(join(folder, 'token'), 'token');
    const key = `vault-transit:${vault.url}/transit/keys/kek?secret=file:${join(folder, 'token')}`;
    const manual = new ManualClock();
    const types = [vaultTransit({ clock: manual, random })];
    const parts = { random, types, openFile: fileKey('old') };
    const service = await openKeyRing({ ...parts, key, alsoOpens: '' });
    const sealing = envelopeVault({ keyEncryption: service, random });
    const ids = Array.from({ length: 40 }, (_, index) => `crd_in_service_${index.toString().padStart(2, '0')}`);
    for (const id of ids) {
      const sealed = await sealing.seal({ id, version: 1, password: new Secret('x') });
      await store.now.credentials.insert(aCredential({ id, name: id, kind: 'password', sealed }));
    }

    vault.isSilent = true;
    /** Ten seconds go by whenever the service is waited for. */
    const waited = async <T>(work: Promise<T>): Promise<T> => {
      let isOver = false;
      const end = (): void => {
        isOver = true;
      };
      work.then(end, end);
      for (let calls = vault.calls.length; ; calls = vault.calls.length) {
        await until(() => isOver || vault.calls.length > calls);
        if (isOver) return work;
        manual.advance(10_000);
      }
    };
    vault.calls.length = 0;
    await assert.rejects(
      waited(openKeyRing({ ...parts, key, alsoOpens: '' })),
      (error) =>
        isFault(error, 'KEY_UNAVAILABLE') &&
        /^vault-transit:https\S+kek: .*did not answer in time/u.test(error.message),
    );
    const keys = await openKeyRing({ ...parts, key: KEY_FILE, alsoOpens: key });
    for (const id of ['a', 'b'])
      await store.now.nodes.join({ id, url: '', version: '1', startedAt: 1, keyIds: keys.opens });
    const said: unknown[] = [];
    const rotation = new KeyRotation({
      ...{ store, keys, clock: manual, bindingOf: bindingOfEnvelope },
      report: (_message, cause) => void said.push(cause),
    });
    const turn = await waited(rotation.turn());
    assert.deepEqual([turn.rewrapped, turn.failed], [0, 16], 'twice ten seconds, and no third time');
    assert.ok(said.every((cause) => isFault(cause, 'KEY_UNAVAILABLE') && /in time/u.test(cause.message)));
    vault.isSilent = false;
    assert.equal((await rotation.turn()).rewrapped, ids.length);
  });

  it('does not start where it cannot be used, and makes no file where one is to open', async () => {
    const broken = {
      ...(await fileKey('old')()),
      wrap: () => Promise.reject(new Error('the service is away')),
      unwrap: () => Promise.reject(new Error('the service is away')),
    };
    const away = {
      scheme: 'away',
      label: 'Away',
      open: () => Promise.resolve({ ...broken, keyId: 'away', opens: ['away'] }),
    };
    const parts = { alsoOpens: '', random, openFile: fileKey('old') };
    await assert.rejects(
      openKeyRing({ ...parts, key: 'away:x?secret=1', types: [away] }),
      (error) => isFault(error, 'KEY_UNAVAILABLE') && error.message === 'away:x: the service is away',
    );
    await assert.rejects(
      openKeyRing({ ...parts, key: 'strange:x', types: [away] }),
      /takes file, away:…, received strange:x/u,
    );
    await assert.rejects(
      openFileKeyEncryption({ path: join(folder, 'none'), random, absent: 'refuse' }),
      (error) => isFault(error, 'KEY_UNAVAILABLE') && /there is no key file/u.test(error.message),
    );
    using value = new SecretBytes(random.bytes(32));
    const keys = await ring(undefined, 'new:');
    const unknown = { keyId: 'nobody', bytes: (await keys.wrap(value, 'c')).bytes };
    await assert.rejects(keys.unwrap(unknown, 'c'), (error) => isFault(error, 'KEY_UNAVAILABLE'));
  });
});
