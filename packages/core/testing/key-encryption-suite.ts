import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { SecretBytes } from '@enchilada/core/credential';
import type { KeyEncryption, WrappedKey } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';

export interface KeyEncryptionUnderTest {
  /** A client of the same key on every call, as two nodes or two starts have it. */
  open(): Promise<KeyEncryption>;
  /** A key that has nothing to do with it. */
  openOther(): Promise<KeyEncryption>;
}

const CONTEXT = 'credential ‖ crd_1 ‖ secret ‖ 1';
const unavailable = (cause: unknown): boolean => isFault(cause, 'KEY_UNAVAILABLE');

function aDataKey(length = 32): { readonly secret: SecretBytes; readonly bytes: Buffer } {
  const bytes = randomBytes(length);
  return { secret: new SecretBytes(Uint8Array.from(bytes)), bytes };
}

async function opened(keys: KeyEncryption, wrapped: WrappedKey, context: string): Promise<Buffer> {
  return Buffer.from((await keys.unwrap(wrapped, context)).reveal());
}

/** What every KeyEncryption does, run against the real thing. */
export function keyEncryptionSuite(name: string, create: () => Promise<KeyEncryptionUnderTest>): void {
  describe(`key encryption ${name}`, () => {
    it('gives back what was wrapped, to every client of the same key', async () => {
      const under = await create();
      const [first, second] = [await under.open(), await under.open()];
      assert.equal(first.keyId, second.keyId);
      for (const length of [1, 16, 32, 64, 1_024]) {
        const { secret, bytes } = aDataKey(length);
        const wrapped = await first.wrap(secret, CONTEXT);
        assert.equal(wrapped.keyId, first.keyId);
        assert.deepEqual(await opened(second, wrapped, CONTEXT), bytes);
      }
    });

    it('leaves the wrapped key as it was, so that it can be used and wiped by its owner', async () => {
      const keys = await (await create()).open();
      const { secret, bytes } = aDataKey();
      await keys.wrap(secret, CONTEXT);
      assert.deepEqual(Buffer.from(secret.reveal()), bytes);
    });

    it('binds the context: another one, a longer one and none do not open', async () => {
      const keys = await (await create()).open();
      const wrapped = await keys.wrap(aDataKey().secret, CONTEXT);
      for (const context of ['', ` ${CONTEXT}`, `${CONTEXT} `, CONTEXT.toUpperCase(), CONTEXT.slice(0, -1)])
        await assert.rejects(keys.unwrap(wrapped, context), unavailable, JSON.stringify(context));
    });

    it('opens nothing that was altered or shortened', async () => {
      const keys = await (await create()).open();
      const wrapped = await keys.wrap(aDataKey().secret, CONTEXT);
      for (let index = 0; index < wrapped.bytes.length; index += 1) {
        const bytes = Uint8Array.from(wrapped.bytes);
        bytes[index] = (bytes[index] ?? 0) ^ 0x80;
        await assert.rejects(keys.unwrap({ ...wrapped, bytes }, CONTEXT), unavailable, `bit of byte ${index}`);
      }
      for (const length of [0, 1, 12, 28, wrapped.bytes.length - 1]) {
        const bytes = wrapped.bytes.slice(0, length);
        await assert.rejects(keys.unwrap({ ...wrapped, bytes }, CONTEXT), unavailable, `${length} bytes`);
      }
      const longer = Uint8Array.from([...wrapped.bytes, 0]);
      await assert.rejects(keys.unwrap({ ...wrapped, bytes: longer }, CONTEXT), unavailable);
    });

    it('opens nothing of another key, under its own name or under ours', async () => {
      const under = await create();
      const [ours, theirs] = [await under.open(), await under.openOther()];
      assert.notEqual(ours.keyId, theirs.keyId);
      const foreign = await theirs.wrap(aDataKey().secret, CONTEXT);
      await assert.rejects(ours.unwrap(foreign, CONTEXT), unavailable);
      await assert.rejects(ours.unwrap({ ...foreign, keyId: ours.keyId }, CONTEXT), unavailable);
    });

    it('wraps the same key differently each time, and never as itself', async () => {
      const keys = await (await create()).open();
      const { secret, bytes } = aDataKey();
      const wrapped = await Promise.all(Array.from({ length: 50 }, () => keys.wrap(secret, CONTEXT)));
      const texts = wrapped.map((each) => Buffer.from(each.bytes).toString('hex'));
      assert.equal(new Set(texts).size, texts.length);
      for (const text of texts) assert.ok(!text.includes(bytes.toString('hex')));
    });

    it('says neither the key nor the secret in what it throws', async () => {
      const keys = await (await create()).open();
      const { secret, bytes } = aDataKey();
      const wrapped = await keys.wrap(secret, CONTEXT);
      const failure = await keys.unwrap(wrapped, 'other').catch((cause: unknown) => cause);
      assert.ok(!JSON.stringify(failure, Object.getOwnPropertyNames(failure)).includes(bytes.toString('hex')));
    });
  });
}
