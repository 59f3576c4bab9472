import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { compress, LARGE_BYTES } from './compress-chunk.ts';
import { encryptPieces } from './encrypt-pieces.ts';

describe('the content of a chunk', () => {
  it('is compressed where that makes it smaller, whatever was hoped of it', () => {
    for (const length of [200, LARGE_BYTES - 1, LARGE_BYTES, 1024 * 1024]) {
      const text = Buffer.alloc(length, 'a line that comes again and again\n');
      for (const hope of ['likely', 'unlikely'] as const) {
        const compressed = compress(text, hope);
        assert.ok(compressed !== undefined && zstdDecompressSync(compressed).equals(text), `${length} bytes, ${hope}`);
      }
    }
  });

  it('stays as it is where it would not become smaller', () => {
    for (const length of [200, LARGE_BYTES, 1024 * 1024])
      for (const hope of ['likely', 'unlikely'] as const) assert.equal(compress(randomBytes(length), hope), undefined);
  });

  it('is the same in pieces as encrypted at once', () => {
    const [key, nonce] = [randomBytes(32), randomBytes(12)];
    for (const length of [0, 1, 15 * 1024, 15 * 1024 + 1, 100_000]) {
      const plain = randomBytes(length);
      const whole = createCipheriv('aes-256-gcm', key, nonce);
      const expected = Buffer.concat([whole.update(plain), whole.final(), whole.getAuthTag()]);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const pieces = [...encryptPieces(cipher, plain)];
      assert.ok(Buffer.concat([...pieces, cipher.final(), cipher.getAuthTag()]).equals(expected), `${length} bytes`);
    }
  });
});
