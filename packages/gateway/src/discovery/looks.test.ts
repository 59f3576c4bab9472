import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { ScopeRecord, Sighting } from '@enchilada/core/discovery';
import { isFault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { ANSWER_MS, Looks } from './looks.ts';

const HOUR_MS = 3_600_000;
const MACHINES = Array.from({ length: 100 }, (_, index) => `i-${index}`);

const aScope = (account: string): ScopeRecord => ({
  ...{ sourceId: 'src_1', account, region: 'eu-west-1', accountName: account, held: [] },
  ...{ lastSweepAt: undefined, lastEventAt: undefined, eventLagMs: undefined, unannouncedAt: undefined },
  ...{ staleSince: undefined, problem: undefined, heldSince: undefined, judgedBy: undefined, retiredAt: undefined },
});
const FIRST = aScope('111111111111');
const aSighting = (nativeId: string): Sighting => ({
  nativeId,
  observedAt: 1,
  facts: { name: nativeId, platform: 'linux', state: 'running', privateAddresses: [], publicAddresses: [], tags: {} },
});

describe('looks at machines that people wait for', () => {
  let monotonicMs: number;
  let calls: { readonly ids: readonly string[]; readonly answer: PromiseWithResolvers<readonly Sighting[]> }[];
  let timers: (() => void)[];
  let unwritable: string | undefined;
  let looks: Looks;
  const turn = () => new Promise(setImmediate);

  beforeEach(() => {
    monotonicMs = 0;
    calls = [];
    timers = [];
    unwritable = undefined;
    const clock: Clock = {
      now: () => monotonicMs,
      monotonicMs: () => monotonicMs,
      after: (_ms, work) => {
        timers.push(work);
        return { [Symbol.dispose]: () => void (timers = timers.filter((one) => one !== work)) };
      },
      every: () => assert.fail('nothing is done again and again'),
    };
    looks = new Looks({
      clock,
      describe: (_scope, ids) => {
        const answer = Promise.withResolvers<readonly Sighting[]>();
        calls.push({ ids, answer });
        return answer.promise;
      },
      take: (_scope, { nativeId }) =>
        nativeId === unwritable ? Promise.reject(new Error('the database refuses it')) : Promise.resolve(),
      stopped: new AbortController().signal,
    });
  });

  it('go together in the next call while one is under way, and two scopes wait for nothing of each other', async () => {
    const seen = MACHINES.map((id) => looks.look(FIRST, id));
    const twice = looks.look(FIRST, 'i-7');
    const other = looks.look(aScope('222222222222'), 'i-other');
    assert.deepEqual(
      calls.map(({ ids }) => ids),
      [['i-0'], ['i-other']],
    );
    calls[1]?.answer.resolve([aSighting('i-other')]);
    assert.equal((await other)?.nativeId, 'i-other');
    calls[0]?.answer.resolve([aSighting('i-0')]);
    await turn();
    assert.deepEqual(calls[2]?.ids, MACHINES.slice(1));
    calls[2]?.answer.resolve(MACHINES.slice(2).map(aSighting));
    const found = await Promise.all(seen);
    assert.equal((await twice)?.nativeId, 'i-7');
    assert.equal(found[1], undefined, 'one that the source does not know is undefined');
    assert.deepEqual(
      found.map((one) => one?.nativeId),
      MACHINES.map((id) => (id === 'i-1' ? undefined : id)),
    );
    assert.equal(calls.length, 3);
  });

  it('fail alone where one machine cannot be written, and together where the call fails', async () => {
    unwritable = 'i-2';
    const first = looks.look(FIRST, 'i-0');
    const [good, bad] = [looks.look(FIRST, 'i-1'), looks.look(FIRST, 'i-2')];
    calls[0]?.answer.reject(new Error('no'));
    await assert.rejects(first, /no/u);
    await turn();
    calls[1]?.answer.resolve(['i-1', 'i-2'].map(aSighting));
    assert.equal((await good)?.nativeId, 'i-1');
    await assert.rejects(bad, /refuses/u);
  });

  it('are refused at once while the source owes an answer, and asked again when that call was given up', async () => {
    const owed = looks.look(FIRST, 'i-0');
    monotonicMs += ANSWER_MS;
    await assert.rejects(looks.look(FIRST, 'i-1'), (fault) => isFault(fault, 'DISCOVERY_FAILED'));
    assert.equal(calls.length, 1);
    monotonicMs += HOUR_MS;
    for (const due of timers) due();
    await assert.rejects(owed, (fault) => isFault(fault, 'DISCOVERY_FAILED'));
    const next = looks.look(FIRST, 'i-1');
    calls[1]?.answer.resolve([aSighting('i-1')]);
    assert.equal((await next)?.nativeId, 'i-1');
  });
});
