import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { SecretBytes } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { openFileKeyEncryption } from './index.ts';

const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
const keyPath = (): string => join(temporaryFolder('kek'), 'secrets', 'kek');

it('makes a key of mode 0600 once, and reads it again', async () => {
  const path = keyPath();
  const [first, second] = await Promise.all([
    openFileKeyEncryption({ path, random }),
    openFileKeyEncryption({ path, random }),
  ]);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal(first.keyId, second.keyId);
  assert.equal((await openFileKeyEncryption({ path, random })).keyId, first.keyId);
});

it('refuses a key file that others may read, or that holds no key', async () => {
  const path = keyPath();
  await openFileKeyEncryption({ path, random });
  await chmod(path, 0o640);
  await assert.rejects(openFileKeyEncryption({ path, random }), /mode 640/);
  await writeFile(path, 'hello\n');
  await chmod(path, 0o600);
  await assert.rejects(openFileKeyEncryption({ path, random }), (cause) => isFault(cause, 'KEY_UNAVAILABLE'));
});

it('unwraps what an older key wrapped after a rotation, and wraps with the newer', async () => {
  const [path, other] = [keyPath(), keyPath()];
  const before = await openFileKeyEncryption({ path, random });
  const wrapped = await before.wrap(new SecretBytes(Buffer.from('k')), 'c');
  await openFileKeyEncryption({ path: other, random });
  await writeFile(path, (await readFile(other, 'utf8')) + (await readFile(path, 'utf8')));
  const after = await openFileKeyEncryption({ path, random });
  assert.notEqual(after.keyId, before.keyId);
  assert.equal(Buffer.from((await after.unwrap(wrapped, 'c')).reveal()).toString(), 'k');
  assert.equal((await after.wrap(new SecretBytes(Buffer.from('k')), 'c')).keyId, after.keyId);
});
