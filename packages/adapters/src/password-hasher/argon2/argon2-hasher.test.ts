import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { it } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import { argon2 } from './index.ts';

const parameters = { memoryKib: 256, passes: 1, lanes: 1 };
const password = new Secret('correct horse battery staple');

it('hashes with argon2id, 64 MiB, three passes and one lane unless told', async () => {
  const hasher = argon2();
  const stored = await hasher.hash(password);
  assert.match(stored, /^\$argon2id\$v=19\$m=65536,t=3,p=1\$/u);
  assert.equal(await hasher.verify(password, stored), true);
  assert.equal(await hasher.verify(new Secret('correct horse battery stapl'), stored), false);
});

it('salts: two hashes of one password differ', async () => {
  const hasher = argon2(parameters);
  assert.notEqual(await hasher.hash(password), await hasher.hash(password));
});

it('says no for an absent hash and for one that is none', async () => {
  const hasher = argon2(parameters);
  for (const stored of [undefined, '', 'plain', '$argon2id$v=19$m=1', '$2b$10$abcdefghijklmnopqrstuv'])
    assert.equal(await hasher.verify(password, stored), false);
});

it('does the same work for an absent hash as for a wrong password', async () => {
  const hasher = argon2({ memoryKib: 32 * 1024, passes: 2, lanes: 1 });
  const stored = await hasher.hash(password);
  const wrong = new Secret('wrong');
  const cpuOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = process.cpuUsage();
    for (let count = 0; count < 5; count++) await work();
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  await hasher.verify(wrong, undefined);
  const known = await cpuOf(() => hasher.verify(wrong, stored));
  const absent = await cpuOf(() => hasher.verify(wrong, undefined));
  // A decoy that was skipped would take a thousandth.
  assert.ok(absent > known / 3 && known > absent / 3, `absent ${absent} µs, known ${known} µs`);
});

it('verifies hashes that were made with other parameters', async () => {
  const stored = await argon2({ memoryKib: 512, passes: 2, lanes: 2 }).hash(password);
  assert.equal(await argon2(parameters).verify(password, stored), true);
});

it('refuses when too many wait, and serves again afterwards', async () => {
  const hasher = argon2({ memoryKib: 8 * 1024, passes: 1, lanes: 1, maxWaiting: 3 });
  const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => hasher.hash(password)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 5);
  for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(isFault(outcome.reason, 'THROTTLED'));
  assert.match(await hasher.hash(password), /^\$argon2id/u);
});

it('works through a crowd and refuses a flood', async () => {
  const hasher = argon2(parameters);
  const stored = await hasher.hash(password);
  const crowd = await Promise.all(Array.from({ length: 60 }, () => hasher.verify(password, stored)));
  assert.ok(crowd.every(Boolean));
  const flood = await Promise.allSettled(Array.from({ length: 200 }, () => hasher.verify(password, stored)));
  assert.ok(flood.some(({ status }) => status === 'rejected'));
  for (const outcome of flood) if (outcome.status === 'rejected') assert.ok(isFault(outcome.reason, 'THROTTLED'));
  assert.equal(await hasher.verify(password, stored), true);
});

it('fails alone where a hash cannot be made', async () => {
  const hasher = argon2({ ...parameters, memoryKib: 1 });
  for (let count = 0; count < 3; count++) await assert.rejects(hasher.hash(password), /memory/iu);
  const stored = await argon2(parameters).hash(password);
  await assert.rejects(hasher.verify(password, stored), /memory/iu, 'it cannot make its decoy');
});

it(
  'hashes with less priority than the threads that carry sessions',
  { skip: process.platform !== 'linux' },
  async () => {
    await argon2(parameters).hash(password);
    const niceness = async (thread: string): Promise<number> => {
      const stat = await readFile(`/proc/self/task/${thread}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    };
    const all = await Promise.all((await readdir('/proc/self/task')).map(niceness));
    const main = await niceness(String(process.pid));
    assert.ok(all.includes(constants.priority.PRIORITY_BELOW_NORMAL));
    assert.ok(main < constants.priority.PRIORITY_BELOW_NORMAL, `the main thread: ${main}`);
  },
);
