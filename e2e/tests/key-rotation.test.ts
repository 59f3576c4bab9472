import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AwsSecretsStandIn } from '@enchilada/adapters/shared/aws/testing';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { ADMIN, LOOPBACK, Site, startSshd } from './site.ts';

test('a new key-encryption key above the old one seals from then on, and what the old one sealed still opens', async () => {
  await using sshd = await startSshd();
  await using owned = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'enchilada-rotation-'));
  owned.defer(() => rm(dataDir, { recursive: true, force: true }));
  const before = await Site.start({ dataDir });
  const oldId = await before.machineOn(sshd, { name: 'sealed before' });
  const shell = await before.admin.open(oldId);
  await shell.live();
  shell.type('echo recorded-$((6*7))-before; exit\r');
  await shell.ended();
  await shell.leave();
  const { items } = await before.admin.api.listRecordings({ query: {} });
  await before.gateway.stop();

  const file = join(dataDir, 'keys', 'key-encryption.key');
  const oldKey = await readFile(file, 'utf8');
  // As docs/operating.md tells operators to make one.
  const newKey = `enchilada-kek-1:${randomBytes(32).toString('base64')}\n`;
  const opens = async (admin: Person, targetId: string): Promise<string> => {
    const again = await admin.open(targetId);
    try {
      await again.live();
      return 'live';
    } catch {
      return (await again.ended()).fault?.code ?? 'ended';
    } finally {
      await again[Symbol.asyncDispose]();
    }
  };
  const started = async (keys: string) => {
    await writeFile(file, keys, { mode: 0o600 });
    const gateway = await Gateway.start({ dataDir, config: LOOPBACK });
    return { gateway, admin: await Person.signIn(gateway.url, ADMIN) };
  };
  const rotated = await started(newKey + oldKey);
  assert.equal(await opens(rotated.admin, oldId), 'live');
  const text = await rotated.admin.api.exportRecording({
    params: { id: items[0]?.id ?? '' },
    query: { format: 'text' },
  });
  assert.match(await text.text(), /recorded-42-before/u);
  const { id: credentialId } = await rotated.admin.api.createCredential({
    body: { name: 'sealed after', kind: 'password', username: sshd.username, secret: sshd.password },
  });
  const old = await rotated.admin.api.getTarget({ params: { id: oldId } });
  const { id: _id, builtIn: _builtIn, createdAt: _created, updatedAt: _updated, ...fields } = old;
  await rotated.admin.api.updateTarget({ params: { id: oldId }, body: { ...fields, credentialId } });
  assert.equal(await opens(rotated.admin, oldId), 'live');
  await rotated.gateway.stop();

  await assert.rejects(started(oldKey), /the key file has no key [0-9a-f]{16} \(KEY_UNAVAILABLE\)/u, 'it sealed anew');
});

test('the key goes from its file into a service, everything is sealed anew, and without the service nothing starts', async () => {
  await using sshd = await startSshd();
  await using cloud = await AwsSecretsStandIn.start();
  await using owned = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'enchilada-kms-'));
  owned.defer(() => rm(dataDir, { recursive: true, force: true }));
  const before = await Site.start({ dataDir });
  const machine = await before.machineOn(sshd, { name: 'sealed in the file' });
  await before.gateway.stop();
  const arn = cloud.makeKey();
  const mayUse = [`kms:Encrypt ${arn}`, `kms:Decrypt ${arn}`];
  cloud.policies.set('node', mayUse);
  const started = async (alsoOpens: string) => {
    const config = `${LOOPBACK}keyEncryption: { key: "aws-kms:${arn}", alsoOpens: "${alsoOpens}" }\n`;
    const gateway = await Gateway.start({ dataDir, config, environment: cloud.environment });
    return { gateway, admin: await Person.signIn(gateway.url, ADMIN) };
  };
  const isLive = async (admin: Person): Promise<void> => {
    const shell = await admin.open(machine);
    await shell.live();
    shell.type('exit\r');
    await shell.ended();
  };

  const both = await started('file');
  await isLive(both.admin);
  const status = await both.admin.api.getKeyEncryption();
  assert.deepEqual(
    status.keys.map(({ name }) => name),
    [`aws-kms:${arn}`, 'file'],
  );
  const [inService, inFile] = status.keys.map(({ service }) => service);
  assert.equal(inService?.label, 'AWS KMS');
  assert.ok(inService.answeredAt !== undefined, 'it was asked at the start');
  assert.equal(inService.failure, undefined);
  assert.equal(inFile, undefined, 'a file is no service');
  assert.deepEqual(status.nodesWithout, []);
  assert.ok(status.sealed.every(({ keyId, opens }) => keyId !== status.current && opens));
  const turn = await both.admin.api.rewrapKeys();
  assert.deepEqual([turn.remaining, turn.failed], [0, 0]);
  assert.ok(turn.rewrapped > 0);
  await isLive(both.admin);
  await both.gateway.stop();

  await rm(join(dataDir, 'keys', 'key-encryption.key'));
  const alone = await started('');
  await isLive(alone.admin);
  cloud.policies.set('node', []);
  await alone.gateway.stop();
  await assert.rejects(started(''), /aws-kms:arn:aws:kms:\S+: .*AWS refused kms:Encrypt on arn\S+.*KEY_UNAVAILABLE/su);
  cloud.policies.set('node', mayUse);
  cloud.isThrottling = true;
  await assert.rejects(started(''), /throttled kms:Encrypt.*KEY_UNAVAILABLE/su);
});
