import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SecretBytes } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import { keyEncryptionSuite } from '@enchilada/core/testing/key-encryption-suite';
import { ManualClock } from '@enchilada/core/testing/recorder-parts';
import { until } from '@enchilada/core/testing/until';
import { VaultStandIn } from '../secret-store/hashicorp-vault/testing/index.ts';
import { AwsSecretsStandIn } from '../shared/aws/testing/index.ts';
import { KeyVaultStandIn } from '../shared/azure/testing/index.ts';
import { awsKms } from './aws-kms/index.ts';
import { azureKeyVault } from './azure-key-vault/index.ts';
import { vaultTransit } from './vault-transit/index.ts';

const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
const clock = new ManualClock();
const parts = { clock, random };
const aws = await AwsSecretsStandIn.start();
const keyVault = await KeyVaultStandIn.start();
const vault = await VaultStandIn.start();
const folder = await mkdtemp(join(tmpdir(), 'enchilada-kms-'));
const token = 'hvs.transit-token';
const tokenFile = join(folder, 'token');
const PLAIN = 'a data key of 32 bytes, no more.';

before(async () => {
  Object.assign(process.env, aws.environment, keyVault.environment);
  keyVault.certificate.trust();
  vault.certificate.trust();
  await writeFile(tokenFile, `${token}\n`);
});
after(async () => {
  for (const one of [aws, keyVault, vault]) await one[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function kmsAddress(): string {
  const arn = aws.makeKey();
  const allowed = aws.policies.get('node') ?? [];
  aws.policies.set('node', [...allowed, `kms:Encrypt ${arn}`, `kms:Decrypt ${arn}`]);
  return `aws-kms:${arn}`;
}

function keyVaultAddress(): string {
  const name = `kek-${keyVault.keys.size}`;
  keyVault.rotate(name);
  return `azure-key-vault:${keyVault.url}/keys/${name}`;
}

function transitAddress(): string {
  const name = `kek-${vault.transitKeys.size}`;
  vault.transitKeys.set(name, [randomBytes(32)]);
  const allowed = vault.policies.get(token) ?? [];
  vault.policies.set(token, [...allowed, `transit/encrypt/${name}`, `transit/decrypt/${name}`]);
  return `vault-transit:${vault.url}/transit/keys/${name}?secret=file:${tokenFile}`;
}

const services = [
  { type: awsKms(parts), addressOf: kmsAddress },
  { type: azureKeyVault(parts), addressOf: keyVaultAddress },
  { type: vaultTransit(parts), addressOf: transitAddress },
];

for (const { type, addressOf } of services)
  keyEncryptionSuite(type.scheme, () => {
    const [ours, theirs] = [addressOf(), addressOf()];
    return Promise.resolve({ open: () => type.open(ours), openOther: () => type.open(theirs) });
  });

describe('a key in a service', () => {
  const wrapIn = async (
    keys: Awaited<ReturnType<(typeof services)[number]['type']['open']>>,
    context = 'credential 1',
  ) => keys.wrap(new SecretBytes(Buffer.from(PLAIN)), context);
  const refused = (work: Promise<unknown>, words: RegExp) =>
    assert.rejects(work, (error) => {
      assert.ok(isFault(error, 'KEY_UNAVAILABLE'), String(error));
      assert.match(error.message, words);
      const all = JSON.stringify([error.message, error.facts, String(error.cause)]);
      for (const secret of [PLAIN, token, aws.environment['AWS_SECRET_ACCESS_KEY'] ?? '-'])
        assert.ok(!all.includes(secret));
      return true;
    });

  it('is asked once for what is sealed within minutes, for each purpose', async () => {
    const keys = await awsKms(parts).open(kmsAddress());
    aws.calls.length = 0;
    await Promise.all(Array.from({ length: 20 }, (_, index) => wrapIn(keys, `credential ${index}`)));
    assert.equal(aws.calls.length, 1);
    await wrapIn(keys, 'recording-input:1');
    assert.equal(aws.calls.length, 2);
  });

  it('says in words which permission is missing, and stores nothing otherwise', async () => {
    const arn = aws.makeKey();
    await refused(
      wrapIn(await awsKms(parts).open(`aws-kms:${arn}`)),
      /refused kms:Encrypt on arn:aws:kms.*not authorized/u,
    );
    keyVault.allowed.delete('keys/wrap');
    await refused(
      wrapIn(await azureKeyVault(parts).open(keyVaultAddress())),
      /refused Microsoft\.KeyVault\/vaults\/keys\/wrap/u,
    );
    keyVault.allowed.add('keys/wrap');
    await refused(
      wrapIn(await vaultTransit(parts).open(`vault-transit:${vault.url}/transit/keys/none?secret=file:${tokenFile}`)),
      /needs update on transit\/encrypt\/none/u,
    );
  });

  it('tells throttled, silent, redirecting and babbling services apart from refusals', async () => {
    const keys = await awsKms(parts).open(kmsAddress());
    aws.isThrottling = true;
    await refused(wrapIn(keys), /throttled kms:Encrypt/u);
    aws.isThrottling = false;
    const inVault = azureKeyVault(parts);
    for (const standIn of [aws, keyVault]) {
      const open = () => (standIn === aws ? awsKms(parts).open(kmsAddress()) : inVault.open(keyVaultAddress()));
      standIn.raw = { status: 302, body: '', location: 'https://elsewhere.test/' };
      await refused(wrapIn(await open()), /30[0-9]|answered 302|failed/u);
      standIn.raw = { status: 200, body: `{"x":"${'x'.repeat(3 * 1024 * 1024)}"}` };
      await refused(wrapIn(await open()), /more than 1048576 bytes/u);
      standIn.raw = undefined;
    }
  });

  const hanging = [
    {
      open: awsKms,
      addressOf: kmsAddress,
      standIn: aws,
      words: /did not answer kms:(?:En|De)crypt on arn:\S+ in time/u,
    },
    { open: azureKeyVault, addressOf: keyVaultAddress, standIn: keyVault, words: /https:\S+ did not answer in time/u },
    { open: vaultTransit, addressOf: transitAddress, standIn: vault, words: /the vault did not answer in time/u },
  ];
  for (const { open, addressOf, standIn, words } of hanging)
    it(`gives one that takes what is asked and answers nothing ten seconds: ${open.name}`, async () => {
      const address = addressOf();
      const another = () => open(parts).open(address);
      const wrapped = await wrapIn(await another());
      const asks = [async () => wrapIn(await another()), async () => (await another()).unwrap(wrapped, 'credential 1')];
      standIn.isSilent = true;
      try {
        for (const ask of asks) {
          standIn.calls.length = 0;
          const refusal = refused(ask(), words);
          await until(() => standIn.calls.length > 0);
          clock.advance(10_000);
          await refusal;
        }
      } finally {
        standIn.isSilent = false;
      }
      assert.equal((await (await another()).unwrap(wrapped, 'credential 1')).reveal().length, PLAIN.length);
    });

  it('is not waited for once more to take back the token that it did not answer to', async () => {
    const name = transitAddress().split('/').at(-1)?.split('?')[0] ?? '';
    const secretFile = join(folder, 'secret-id');
    await writeFile(secretFile, vault.appRole.secretId);
    const role = `roleId=${vault.appRole.roleId}&secret=file:${secretFile}`;
    const address = `vault-transit:${vault.url}/transit/keys/${name}?${role}`;
    vault.ignores = /encrypt|revoke-self/u;
    vault.calls.length = 0;
    const refusal = refused(wrapIn(await vaultTransit(parts).open(address)), /in time/u);
    await until(() => vault.calls.includes(`POST transit/encrypt/${name}`));
    clock.advance(10_000);
    await refusal;
    // It is still being asked to.
    await until(() => vault.unanswered.has('POST auth/token/revoke-self'));
    vault.ignores = undefined;
  });

  it('opens what an earlier version of it wrapped, and wraps with the newest', async () => {
    const address = keyVaultAddress();
    const name = address.split('/').at(-1) ?? '';
    const before = await wrapIn(await azureKeyVault(parts).open(address));
    keyVault.rotate(name);
    const after = await azureKeyVault(parts).open(address);
    assert.equal(Buffer.from((await after.unwrap(before, 'credential 1')).reveal()).toString(), PLAIN);
    keyVault.calls.length = 0;
    await wrapIn(after);
    const newest = [...(keyVault.keys.get(name)?.keys() ?? [])].at(-1);
    assert.deepEqual(keyVault.calls.at(-1), `POST /keys/${name}/${newest ?? ''}/wrapkey`);

    const transit = transitAddress();
    const versions = vault.transitKeys.get(`kek-${vault.transitKeys.size - 1}`) ?? [];
    const first = await wrapIn(await vaultTransit(parts).open(transit));
    versions.push(randomBytes(32));
    const opened = await vaultTransit(parts).open(transit);
    assert.equal(Buffer.from((await opened.unwrap(first, 'credential 1')).reveal()).toString(), PLAIN);
    assert.ok(Buffer.from((await wrapIn(opened)).bytes).includes('vault:v2:'));
  });

  it('says when it last answered and, until it answers again, when and why it failed', async () => {
    const keys = await awsKms(parts).open(kmsAddress());
    const stateOf = ({ service }: typeof keys) => service;
    assert.deepEqual(stateOf(keys), {}, 'opened, and not called yet');
    clock.advance(1_000);
    await wrapIn(keys, 'credential 1');
    const answeredAt = clock.now();
    assert.deepEqual(stateOf(keys), { answeredAt });
    clock.advance(1_000);
    await wrapIn(keys, 'credential 2');
    assert.deepEqual(stateOf(keys), { answeredAt }, 'sealed without asking it');

    aws.isThrottling = true;
    await refused(wrapIn(keys, 'recording 1'), /throttled/u);
    const failed = stateOf(keys);
    assert.equal(failed?.answeredAt, answeredAt);
    assert.equal(failed.failure?.at, clock.now());
    assert.match(failed.failure.reason, /throttled kms:Encrypt/u);

    aws.isThrottling = false;
    clock.advance(1_000);
    await wrapIn(keys, 'recording 1');
    assert.deepEqual(stateOf(keys), { answeredAt: clock.now() });
  });

  it('takes on a role with its external id', async () => {
    const arn = aws.makeKey();
    const role = 'arn:aws:iam::111122223333:role/kek';
    aws.roles.set(role, 'install-1');
    aws.policies.set(role, [`kms:Encrypt ${arn}`]);
    await wrapIn(await awsKms(parts).open(`aws-kms:${arn}?role=${role}&externalId=install-1`));
    await refused(
      wrapIn(await awsKms(parts).open(`aws-kms:${arn}?role=${role}&externalId=other`)),
      /refused sts:AssumeRole/u,
    );
  });

  it('needs an address that names one key, and says what is wrong with another', async () => {
    const wrong: readonly (readonly [(typeof services)[number]['type'], string])[] = [
      [awsKms(parts), 'aws-kms:alias/enchilada'],
      [awsKms(parts), 'aws-kms:arn:aws:kms:eu-central-1:111122223333:alias/enchilada'],
      [awsKms(parts), 'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/1?rolle=x'],
      [azureKeyVault(parts), 'azure-key-vault:http://name.vault.azure.net/keys/k'],
      [azureKeyVault(parts), 'azure-key-vault:https://name.vault.azure.net/keys/k?identity=nobody'],
      [vaultTransit(parts), 'vault-transit:https://vault.test/transit/k'],
    ];
    for (const [type, address] of wrong)
      await assert.rejects(
        async () => type.open(address),
        (error) => isFault(error, 'CONFIGURATION_INVALID'),
        address,
      );
  });
});
