import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pacer, Turns } from './pacer.ts';

const { signal } = new AbortController();

/** Goes on to whatever is due as soon as it is asked for. */
function aClock() {
  let now = 0;
  const timer = { [Symbol.dispose]: () => undefined };
  return {
    now: () => now,
    monotonicMs: () => now,
    after: (ms: number, then: () => void) => {
      now += ms;
      queueMicrotask(then);
      return timer;
    },
    every: () => timer,
    wait: (ms: number) => {
      now += ms;
    },
  };
}

describe('calls of one account and region', () => {
  it('are as far apart as the rate says, however many ask, and those of another wait for none of them', async () => {
    const [clock, turns] = [aClock(), new Turns()];
    const [source, preview] = [new Pacer(clock, 2, turns), new Pacer(clock, 2, turns)];
    const times: number[] = [];
    for (const pacer of [source, preview, source, preview]) {
      await pacer.turn('one', signal);
      times.push(clock.now());
    }
    assert.deepEqual(times, [0, 500, 1_000, 1_500]);
    await source.turn('other', signal);
    assert.equal(clock.now(), 1_500);
  });

  it('are as many over all nodes as one alone would make, and from the fifth node on each adds a quarter', async () => {
    for (const [nodes, spacing] of [
      [1, 500],
      [2, 1_000],
      [4, 2_000],
      [9, 2_000],
    ] as const) {
      const [clock, turns] = [aClock(), new Turns()];
      turns.nodes = nodes;
      const pacer = new Pacer(clock, 2, turns);
      await pacer.turn('one', signal);
      await pacer.turn('one', signal);
      assert.equal(clock.now(), spacing, `${nodes} nodes`);
    }
  });

  it('wait as long as whoever is called asks for, and for nothing once the signal says so', async () => {
    const clock = aClock();
    const pacer = new Pacer(clock, 2, new Turns());
    pacer.rest('one', 60_000);
    await pacer.turn('one', signal);
    assert.equal(clock.now(), 60_000);
    await assert.rejects(pacer.turn('one', AbortSignal.abort(new Error('no more'))), /no more/u);
  });

  it('cost no memory once their time has passed, however many accounts there were', async () => {
    const [clock, turns] = [aClock(), new Turns()];
    const pacer = new Pacer(clock, 2, turns);
    let most = 0;
    for (let account = 0; account < 50_000; account++) {
      clock.wait(1);
      await pacer.turn(`${account}`, signal);
      most = Math.max(most, turns.size);
    }
    // So many were asked within the half second that each keeps others waiting.
    assert.ok(most <= 1_002, `${most} were kept`);
    pacer.rest('late', 1_000_000);
    for (let account = 0; account < 5_000; account++) {
      clock.wait(1);
      await pacer.turn(`again ${account}`, signal);
    }
    const since = clock.now();
    await pacer.turn('late', signal);
    assert.ok(clock.now() > since, 'what is still to be waited for is kept');
  });
});
