import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { it } from 'node:test';
import {
  Secret,
  SecretBytes,
  type CredentialRecord,
  type KeyEncryption,
  type SealedCredential,
} from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';
import { testLeave, testTarget } from '@enchilada/core/testing/authorized';
import { envelopeVault } from './index.ts';

/** A key-encryption key in memory; like every other it binds the context. */
function keyEncryption(keyId: string): KeyEncryption {
  const key = randomBytes(32);
  return {
    keyId,
    opens: [keyId],
    async wrap(dataKey, context) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
      return {
        keyId,
        bytes: Buffer.concat([nonce, cipher.update(dataKey.reveal()), cipher.final(), cipher.getAuthTag()]),
      };
    },
    async unwrap({ bytes }, context) {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(-16));
      try {
        return new SecretBytes(Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]));
      } catch (cause) {
        throw new Fault('KEY_UNAVAILABLE', 'the data key does not open', { cause });
      }
    },
  };
}

const drawn: Uint8Array[] = [];
const random = {
  bytes(length: number) {
    const bytes = Uint8Array.from(randomBytes(length));
    drawn.push(bytes);
    return bytes;
  },
};
const vault = envelopeVault({ keyEncryption: keyEncryption('kek-1'), random });

function record(sealed: SealedCredential | undefined, fields: Partial<CredentialRecord> = {}): CredentialRecord {
  return {
    id: 'crd_1',
    name: 'n',
    kind: 'password',
    username: 'root',
    sealed,
    publicFingerprint: undefined,
    version: 1,
    createdAt: 0,
    updatedAt: 0,
    ...fields,
  };
}

const leaveFor = (credentialId: string) =>
  testLeave(testTarget({ id: 'tgt_1', protocol: 'ssh', host: 'h', port: 22, credentialId }));
const leave = leaveFor('crd_1');
const refused = (error: unknown): boolean =>
  isFault(error, 'CREDENTIAL_UNAVAILABLE') || isFault(error, 'KEY_UNAVAILABLE');

it('gives a password back for a target that uses it', async () => {
  for (const text of ['', 'pässwörd 😀', 'x'.repeat(100_000)]) {
    const credential = await vault.unseal(
      record(await vault.seal({ id: 'crd_1', version: 1, password: new Secret(text) })),
      leave,
    );
    assert.ok(credential.kind === 'password' && credential.username === 'root');
    assert.equal(credential.password.reveal(), text);
  }
});

it('gives a private key back, with and without its passphrase', async () => {
  const privateKey = new Secret('-----BEGIN OPENSSH PRIVATE KEY-----\n…');
  for (const passphrase of [undefined, new Secret('öpen')]) {
    const sealed = await vault.seal({
      id: 'crd_1',
      version: 1,
      privateKey,
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    const credential = await vault.unseal(record(sealed, { kind: 'private-key' }), leave);
    assert.ok(credential.kind === 'private-key');
    assert.equal(credential.privateKey.reveal(), privateKey.reveal());
    assert.equal(credential.passphrase?.reveal(), passphrase?.reveal());
  }
});

it('keeps a secret through later versions of its row', async () => {
  const sealed = await vault.seal({ id: 'crd_1', version: 3, password: new Secret('kept') });
  const credential = await vault.unseal(record(sealed, { version: 7 }), leave);
  assert.ok(credential.kind === 'password' && credential.password.reveal() === 'kept');
  await assert.rejects(vault.unseal(record(sealed, { version: 2 }), leave), refused);
});

it('opens nothing that was moved to another row, column or version', async () => {
  const password = new Secret('canary');
  const [one, two] = [
    await vault.seal({ id: 'crd_1', version: 1, password }),
    await vault.seal({ id: 'crd_2', version: 1, password }),
  ];
  const later = await vault.seal({ id: 'crd_1', version: 2, password });
  await assert.rejects(vault.unseal(record(two), leave), refused);
  await assert.rejects(vault.unseal(record({ ...later, version: 1 }, { version: 2 }), leave), refused);
  await assert.rejects(vault.unseal(record({ ...one, version: 2 }, { version: 2 }), leave), refused);
  for (const other of [two, later]) {
    for (const part of ['ciphertext', 'nonce', 'wrappedKey'] as const)
      await assert.rejects(vault.unseal(record({ ...one, [part]: other[part] }), leave), refused, part);
  }
  await assert.rejects(
    vault.unseal(record({ ...one, ciphertext: one.wrappedKey, wrappedKey: one.ciphertext }), leave),
    refused,
  );
});

it('opens nothing that was altered, cut or sealed under another key', async () => {
  const sealed = await vault.seal({ id: 'crd_1', version: 1, password: new Secret('canary') });
  for (const part of ['ciphertext', 'nonce', 'wrappedKey'] as const) {
    for (const at of [0, sealed[part].length - 1]) {
      const altered = Uint8Array.from(sealed[part], (byte, index) => (index === at ? byte ^ 1 : byte));
      await assert.rejects(vault.unseal(record({ ...sealed, [part]: altered }), leave), refused);
    }
    await assert.rejects(vault.unseal(record({ ...sealed, [part]: sealed[part].subarray(1) }), leave), refused);
    await assert.rejects(vault.unseal(record({ ...sealed, [part]: new Uint8Array() }), leave), refused);
  }
  await assert.rejects(
    envelopeVault({ keyEncryption: keyEncryption('kek-1'), random }).unseal(record(sealed), leave),
    refused,
  );
});

it('unseals for the authorised target only, and no kind that is not kept', async () => {
  const sealed = await vault.seal({ id: 'crd_1', version: 1, password: new Secret('canary') });
  await assert.rejects(vault.unseal(record(sealed), leaveFor('crd_2')), refused);
  const missing = (error: unknown): boolean => isFault(error, 'CREDENTIAL_MISSING');
  await assert.rejects(vault.unseal(record(undefined), leave), missing);
  for (const kind of ['ask', 'login-password', 'private-key'] as const)
    await assert.rejects(vault.unseal(record(sealed, { kind }), leave), missing);
});

it('never uses a data key or nonce twice, and leaves no data key behind', async () => {
  drawn.length = 0;
  const seals = await Promise.all(
    Array.from({ length: 50 }, () => vault.seal({ id: 'crd_1', version: 1, password: new Secret('same') })),
  );
  const distinct = (part: 'ciphertext' | 'nonce' | 'wrappedKey') =>
    new Set(seals.map((sealed) => Buffer.from(sealed[part]).toString('hex'))).size;
  assert.deepEqual([distinct('ciphertext'), distinct('nonce'), distinct('wrappedKey')], [50, 50, 50]);
  const dataKeys = drawn.filter((bytes) => bytes.length === 32);
  assert.equal(dataKeys.length, 50);
  for (const key of dataKeys) assert.ok(key.every((byte) => byte === 0));
});
