import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Site, startSshd } from './site.ts';

const OPENS = 500;
const LIMIT = 20;

test('somebody who asks for five hundred sessions gets as many as allowed, and everybody else gets theirs', async () => {
  await using sshd = await startSshd();
  await using site = await Site.start();
  const targetId = await site.machineOn(sshd);
  const greedy = await site.person('greedy');
  await site.grant(greedy, targetId, ['connect']);
  const others = await Promise.all(
    ['anna', 'berta', 'carla', 'dora', 'emma'].map(async (name) => {
      const person = await site.person(name);
      await site.grant(person, targetId, ['connect']);
      return person;
    }),
  );
  const codes = new Map<string, number>();
  const count = (code: string): void => void codes.set(code, (codes.get(code) ?? 0) + 1);
  const flood = Promise.all(
    Array.from({ length: OPENS }, () =>
      greedy.api.openSession({ body: { targetId } }).then(
        () => count('opened'),
        ({ code, status }: { readonly code: string; readonly status: number }) => count(`${status} ${code}`),
      ),
    ),
  );
  const shells = await Promise.all(
    others.map(async (person) => {
      const shell = await person.open(targetId);
      await shell.live();
      shell.type('echo mine-$((6*7))-too\r');
      await shell.see('mine-42-too');
      return shell;
    }),
  );
  await flood;
  assert.deepEqual(
    Object.fromEntries(codes),
    { opened: LIMIT, '429 SESSION_LIMIT': OPENS - LIMIT },
    `the gateway said: ${site.gateway.log.split('\n').find((line) => line.includes('a request failed')) ?? 'nothing'}`,
  );
  for (const shell of shells) await shell[Symbol.asyncDispose]();
  // Places come back as sessions end.
  const { items } = await greedy.api.listSessions({ query: { live: true } });
  assert.equal(items.length, LIMIT);
  await greedy.api.endSession({ params: { id: items[0]?.id ?? '' }, body: {} });
  await greedy.api.openSession({ body: { targetId } });
});
