import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Fault } from '@enchilada/core/fault';
import { aWorld } from '../testing/discovery-world.ts';
import { SourceTroubles } from './source-troubles.ts';
import { TrustCheck } from './trust-check.ts';

const [FIRST, SECOND, THIRD] = ['111111111111', '222222222222', '333333333333'] as const;
const DAY_MS = 24 * 3_600_000;
const open = new Fault('DISCOVERY_DENIED', 'it does not ask for sts:ExternalId');

async function aCheck() {
  const { store, cloud, clock, record, wait } = await aWorld();
  const answers = new Map<string, Fault | undefined>();
  const asked: (readonly string[])[] = [];
  const trustGaps = (accounts: readonly string[]) => {
    asked.push(accounts);
    return Promise.resolve(new Map([...answers].filter(([account]) => accounts.includes(account))));
  };
  const report = (message: string, cause: unknown) => assert.fail(`${message} ${String(cause)}`);
  const troubles = new SourceTroubles({ store, clock, report }, record.id);
  const { signal: stopped } = new AbortController();
  const check = new TrustCheck({ clock, report, troubles, stopped, source: Object.assign(cloud, { trustGaps }) });
  return {
    ...{ answers, store, record, troubles, wait },
    /** Who was asked. */
    round: async (...accounts: readonly string[]) => {
      asked.length = 0;
      check.begin(accounts);
      await check.running;
      return asked.flat();
    },
    named: async () => (await store.now.discovery.listTroubles(record.id)).map(({ account }) => account),
  };
}

it('an account is asked when it is new and once a day, and one that let us in until it refuses', async () => {
  const { answers, round, named, wait } = await aCheck();
  answers.set(FIRST, open).set(SECOND, undefined);
  assert.deepEqual(await round(FIRST, SECOND), [FIRST, SECOND]);
  assert.deepEqual(await named(), [FIRST]);
  assert.deepEqual(await round(FIRST, SECOND), [FIRST]);
  answers.set(FIRST, undefined);
  assert.deepEqual([await round(FIRST, SECOND), await named()], [[FIRST], []]);
  assert.deepEqual(await round(FIRST, SECOND, THIRD), [THIRD]);
  wait(DAY_MS);
  assert.deepEqual(await round(FIRST, SECOND), [FIRST, SECOND]);
});

it('what could not be learnt of an account takes no warning away and is asked again, and who left is not warned of', async () => {
  const { answers, round, named } = await aCheck();
  answers.set(FIRST, open);
  await round(FIRST, SECOND);
  answers.clear();
  assert.deepEqual([await round(FIRST, SECOND), await named()], [[FIRST, SECOND], [FIRST]]);
  await round(SECOND);
  assert.deepEqual(await named(), []);
});

it('a trouble that another node took away is not said again by this one once it is over', async () => {
  const { store, record, troubles, named, wait } = await aCheck();
  await troubles.failed('regions', open, FIRST);
  await store.now.discovery.clearTrouble(record.id, { part: 'regions', account: FIRST });
  await troubles.onlyIn('regions', new Set());
  wait(DAY_MS);
  await troubles.renew();
  assert.deepEqual([await named(), troubles.count], [[], 0]);
});
