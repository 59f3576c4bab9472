import assert from 'node:assert/strict';
import { it } from 'node:test';
import ssh2 from 'ssh2';
import { makeHostKeyPair } from './host-key-pair.ts';

it('makes no pair that cannot be read, however many it makes', () => {
  for (let count = 0; count < 2_000; count++) {
    const { privateKey, publicKey } = makeHostKeyPair();
    const parsed = ssh2.utils.parseKey(privateKey);
    assert.ok(!(parsed instanceof Error));
    assert.deepEqual(parsed.getPublicSSH(), publicKey.getPublicSSH());
    assert.equal(publicKey.getPublicSSH().length, 51);
  }
});
