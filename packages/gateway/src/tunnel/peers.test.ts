import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type KeyEncryption, SecretBytes, Secret } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import { identifyLogin } from '@enchilada/core/identity';
import { aLogin } from '@enchilada/core/testing/store-fixture';
import { GatewayFixture } from '../testing/gateway-fixture.ts';
import { type PeerCall, Peers } from './peers.ts';

const LIMITS = { idleMs: 3_600_000, absoluteMs: 3_600_000 };

/** A key service that counts what it is asked. */
class CountingKeys implements Pick<KeyEncryption, 'wrap' | 'unwrap'> {
  asked = 0;
  readonly #key = randomBytes(32);

  wrap(value: SecretBytes, context: string) {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(context));
    const sealed = Buffer.concat([cipher.update(value.reveal()), cipher.final()]);
    return Promise.resolve({ keyId: 'k', bytes: Buffer.concat([nonce, cipher.getAuthTag(), sealed]) });
  }

  async unwrap({ bytes }: { readonly bytes: Uint8Array }, context: string): Promise<SecretBytes> {
    this.asked += 1;
    const cipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, 12)).setAAD(Buffer.from(context));
    cipher.setAuthTag(bytes.subarray(12, 28));
    await Promise.resolve();
    return new SecretBytes(Buffer.concat([cipher.update(bytes.subarray(28)), cipher.final()]));
  }
}

async function site() {
  const fixture = new GatewayFixture();
  await fixture.start();
  const { store } = fixture;
  await fixture.addUser('ann', 'user');
  const now = await store.clock();
  const times = { createdAt: now, lastSeenAt: now, expiresAt: now + 3_600_000 };
  const login = { ...aLogin('usr_ann'), ...times };
  await store.now.logins.insert(login);
  const found = await store.now.logins.findWithUser(login.digest);
  const identity = found && identifyLogin(found, LIMITS, now);
  assert.ok(identity);
  const keys = new CountingKeys();
  const keyEncryption = keys as unknown as KeyEncryption;
  const peersOf = (nodeId: string) => new Peers({ nodeId, store, keyEncryption, loginLimits: () => LIMITS });
  const call: PeerCall = {
    redeemed: { sessionId: 'ses_1', viewerId: 'vwr_1', mode: 'control' },
    kind: 'control',
    caller: { identity, address: '192.0.2.1', loginPassword: () => Promise.resolve(new Secret('hush')) },
  };
  return { fixture, keys, a: peersOf('a'), b: peersOf('b'), call };
}

const isRefused = (failure: unknown): boolean => isFault(failure, 'UNAUTHENTICATED');

test('a token of another node is good for what it says, at the node that it names, and once', async () => {
  const { fixture, a, b, call } = await site();
  await using _ = fixture;
  const token = await a.token('b', call);
  await assert.rejects(a.accept(token), isRefused);
  const accepted = await b.accept(token);
  assert.deepEqual(
    [accepted.redeemed, accepted.kind, accepted.caller.address],
    [call.redeemed, 'control', '192.0.2.1'],
  );
  assert.equal((await accepted.caller.loginPassword())?.reveal(), 'hush');
  await assert.rejects(b.accept(token), isRefused);
  const twice = await a.token('b', call);
  const both = await Promise.allSettled([b.accept(twice), b.accept(twice)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
});

test('what strangers send as the token of a node asks the key nothing', async () => {
  const { fixture, keys, a, b, call } = await site();
  await using _ = fixture;
  const token = await a.token('b', call);
  const [text = '', ...proof] = token.split('.');
  const claims = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
  const forged = (change: object): string =>
    [Buffer.from(JSON.stringify({ ...claims, ...change })).toString('base64url'), ...proof].join('.');
  const strangers = [
    ...['', '..', 'x.y.z', 'bnVsbA.y.z', 'W10.y.z', `${token}.more`, `${text}.${'x'.repeat(20_000)}.z`],
    ...[{ to: 'c' }, { to: ['b'] }, { expiresAt: 1 }, { expiresAt: '9' }, { expiresAt: 1e300 }].map(forged),
    ...[{ loginDigest: 'f'.repeat(64) }, { loginDigest: { digest: 'x' } }, { loginDigest: undefined }].map(forged),
  ];
  for (const stranger of strangers) await assert.rejects(b.accept(stranger), isRefused, stranger.slice(0, 200));
  assert.equal(keys.asked, 0);
  // Who knows a login of somebody still lacks the key.
  await assert.rejects(b.accept(forged({ sessionId: 'ses_2' })), isRefused);
  assert.equal(keys.asked, 1);
  await b.accept(token);
  assert.equal(keys.asked, 2);
});
