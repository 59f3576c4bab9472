import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretBytes } from '@enchilada/core/credential';
import { codeAt, matchingSteps, stepAt, toBase32, totpUri } from './totp.ts';

const SEED = Buffer.from('12345678901234567890');

test('gives the codes of RFC 6238, appendix B, to six digits', () => {
  for (const [seconds, code] of [
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ] as const)
    assert.equal(codeAt(SEED, stepAt(seconds * 1000)), code.slice(-6));
});

test('writes base32 as RFC 4648, section 10', () => {
  for (const [text, encoded] of [
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ] as const)
    assert.equal(toBase32(Buffer.from(text)), encoded);
});

test('takes the present step and one before and after, and nothing else', () => {
  const now = 1_800_000_000_000;
  const seed = new SecretBytes(SEED);
  for (let off = -4; off <= 4; off++) {
    const found = matchingSteps(seed, codeAt(SEED, stepAt(now) + off), now);
    assert.deepEqual(found, Math.abs(off) <= 1 ? [stepAt(now) + off] : []);
  }
  for (const code of ['', '12345', '1234567', 'abcdef', '１２３４５６'])
    assert.deepEqual(matchingSteps(seed, code, now), []);
});

test('names issuer and account so that no app reads one as the other', () => {
  assert.equal(
    totpUri(SEED, 'Enchilada', 'a:b&c@d'),
    `otpauth://totp/Enchilada:a%3Ab%26c%40d?secret=${toBase32(SEED)}&issuer=Enchilada&algorithm=SHA1&digits=6&period=30`,
  );
});
