import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import { argon2 } from './index.ts';

const hasher = argon2({ memoryKib: 1024, passes: 1 });
const password = new Secret('correct horse battery staple');

test('takes the right password and no other', async () => {
  const stored = await hasher.hash(password);
  assert.match(stored, /^\$argon2id\$v=19\$m=1024,t=1,p=1\$/u);
  assert.equal(await hasher.verify(password, stored), true);
  assert.equal(await hasher.verify(new Secret('correct horse battery stapler'), stored), false);
  assert.equal(await hasher.verify(new Secret(''), stored), false);
});

test('never takes a password for an account without one, and never two equal hashes', async () => {
  assert.equal(await hasher.verify(new Secret('no account has this password'), undefined), false);
  assert.notEqual(await hasher.hash(password), await hasher.hash(password));
});

test('works through a crowd and refuses a flood', async () => {
  const stored = await hasher.hash(password);
  const crowd = await Promise.all(Array.from({ length: 60 }, () => hasher.verify(password, stored)));
  assert.ok(crowd.every(Boolean));
  const flood = await Promise.allSettled(Array.from({ length: 200 }, () => hasher.verify(password, stored)));
  const refused = flood.filter((result) => result.status === 'rejected');
  assert.ok(refused.length > 0);
  for (const { reason } of refused) assert.equal((reason as { code: string }).code, 'THROTTLED');
  assert.equal(await hasher.verify(password, stored), true);
});
