import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Person } from '../product/index.ts';
import { startSshd } from '../tests/site.ts';
import { personWithMachine } from './people.ts';
import { TwoNodes } from './two-nodes.ts';

const MANY = 120;

test('one node seals everything anew while the other works, and the other goes on under the new key', async () => {
  await using sshd = await startSshd();
  await using both = await TwoNodes.start();
  const admin = await both.bootstrap();
  const { person, targetId } = await personWithMachine(admin, sshd, 'kirsten');
  const keptBy = (at: Person, name: string) =>
    at.api.createCredential({ body: { name, kind: 'password', username: 'x', secret: `password of ${name}` } });
  for (let index = 0; index < MANY; index += 1) await keptBy(admin, `kept ${index}`);

  const file = join(both.folder, 'key-encryption.key');
  const oldKey = await readFile(file, 'utf8');
  const newKey = `enchilada-kek-1:${randomBytes(32).toString('base64')}\n`;
  const restarted = async (name: 'a' | 'b', keys: string) => {
    await writeFile(file, keys, { mode: 0o600 });
    await both[name].stop();
    return both.startNode(name);
  };
  // As docs/operating.md says: every node opens with the new key before any seals with it.
  await restarted('b', oldKey + newKey);
  await restarted('a', oldKey + newKey);
  await restarted('a', newKey + oldKey);
  const [atA, atB] = [admin.at(both.a.url), admin.at(both.b.url)];
  const personAtB = person.at(both.b.url);
  await using held = await personAtB.open(targetId);
  await held.live();
  const opensAt = async (at: Person): Promise<void> => {
    await using shell = await at.open(targetId);
    await shell.live();
    shell.type('exit\r');
    await shell.ended();
  };

  let isDone = false;
  const working = (async () => {
    let opened = 0;
    for (; !isDone; opened += 1) await opensAt(personAtB);
    return opened;
  })();
  const turn = await atA.api.rewrapKeys().finally(() => {
    isDone = true;
  });
  assert.ok((await working) > 0, 'somebody worked meanwhile');
  assert.deepEqual([turn.failed, turn.remaining], [0, 0]);
  assert.ok(turn.rewrapped > MANY);
  held.type('echo still-$((40+2))-here\r');
  await held.see('still-42-here');
  await opensAt(personAtB);

  // B still seals with the old key, until it is restarted with the new one above it.
  await keptBy(atB, 'by the node that lags');
  const { current: oldId } = await atB.api.getKeyEncryption();
  const { current: newId, sealed } = await atA.api.getKeyEncryption();
  assert.deepEqual(
    sealed.filter(({ keyId }) => keyId !== newId).map(({ kind, keyId, count }) => [kind, keyId, count]),
    [['credential', oldId, 1]],
  );
  assert.equal((await atA.api.rewrapKeys()).remaining, 0);
  const { url } = await restarted('b', newKey + oldKey);
  await opensAt(person.at(url));
  const again = admin.at(url);
  await keptBy(again, 'by the node that leads');
  const status = await again.api.getKeyEncryption();
  assert.equal(status.current, newId);
  assert.ok(status.sealed.every(({ keyId }) => keyId === newId));
});
