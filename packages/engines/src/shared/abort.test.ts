import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { Fault, isFault } from '@enchilada/core/fault';
import { unlessAborted } from './abort.ts';

const listeners = ({ signal }: AbortController): number => getEventListeners(signal, 'abort').length;

test('work that is done in time is answered as it is, and the signal is let go of', async () => {
  const controller = new AbortController();
  const failure = new Error('broken');
  assert.equal(await unlessAborted(Promise.resolve('done'), controller.signal), 'done');
  await assert.rejects(unlessAborted(Promise.reject(failure), controller.signal), (error) => error === failure);
  assert.equal(listeners(controller), 0);
});

test('whoever waits is told why it was aborted, and what the work says after that is heard by nobody', async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown): void => void unheard.push(reason);
  process.on('unhandledRejection', hear);
  try {
    const why = new Fault('NODE_DRAINING', 'the node stops');
    for (const isBefore of [true, false]) {
      const controller = new AbortController();
      const { promise: work, reject: breakOff } = Promise.withResolvers<never>();
      if (isBefore) controller.abort(why);
      const waiting = unlessAborted(work, controller.signal);
      if (!isBefore) controller.abort(why);
      await assert.rejects(waiting, (error) => error === why);
      breakOff(new Error('too late'));
      assert.equal(listeners(controller), 0);
    }
    // Node says what was not handled once the microtasks are done.
    await new Promise(setImmediate);
    assert.deepEqual(unheard, []);
  } finally {
    process.off('unhandledRejection', hear);
  }
});

test('an abort for another reason than a fault is the end of the session', async () => {
  const reason = new Error('why not');
  const waiting = unlessAborted(new Promise<never>(() => undefined), AbortSignal.abort(reason));
  await assert.rejects(waiting, (error) => isFault(error, 'SESSION_ENDED') && error.cause === reason);
});
