import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideHostKey } from './host-key.ts';
import { HOST_KEY_POLICIES, type HostKey } from './target.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const shown = (keyType: string, key: string) => ({ keyType, key: bytes(key), fingerprint: `SHA256:${key}` });
const known = (keyType: string, key: string, state: HostKey['state'] = 'pinned'): HostKey => ({
  ...shown(keyType, key),
  targetId: 'tgt_1',
  state,
  pinnedAt: 0,
  pinnedBy: 'usr_1',
});

describe('the host key decision', () => {
  it('follows the policy where nothing is pinned', () => {
    assert.deepEqual(
      HOST_KEY_POLICIES.map((policy) => decideHostKey([], shown('a', 'one'), policy)),
      ['unknown', 'ask', 'pin'],
    );
  });

  for (const policy of HOST_KEY_POLICIES) {
    it(`accepts the pinned key and refuses every other, whatever the type, under ${policy}`, () => {
      const keys = [known('a', 'one'), known('b', 'two')];
      assert.equal(decideHostKey(keys, shown('a', 'one'), policy), 'accept');
      assert.equal(decideHostKey(keys, shown('b', 'two'), policy), 'accept');
      assert.equal(decideHostKey(keys, shown('a', 'two'), policy), 'changed');
      assert.equal(decideHostKey(keys, shown('c', 'three'), policy), 'changed');
      assert.equal(decideHostKey(keys, shown('a', 'on'), policy), 'changed');
      assert.equal(decideHostKey(keys, shown('a', 'one!'), policy), 'changed');
    });

    it(`compares whole keys: equal fingerprints prove nothing, under ${policy}`, () => {
      const forged = { ...shown('a', 'two'), fingerprint: known('a', 'one').fingerprint };
      assert.equal(decideHostKey([known('a', 'one')], forged, policy), 'changed');
    });

    it(`never takes a revoked key again, under ${policy}`, () => {
      assert.equal(decideHostKey([known('a', 'one', 'revoked')], shown('a', 'one'), policy), 'revoked');
      assert.equal(
        decideHostKey([known('a', 'one', 'revoked'), known('a', 'two')], shown('a', 'one'), policy),
        'revoked',
      );
    });
  }
});
