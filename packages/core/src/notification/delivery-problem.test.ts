import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../fault/index.ts';
import { deliveryFault, deliveryProblemOf, readDeliveryProblem } from './delivery-problem.ts';

test('the facts of a failed delivery are stored and read as they were', () => {
  const fault = deliveryFault({ reason: 'refused', host: 'hooks.example', status: 404 }, 'hooks.example answered 404');
  const problem = deliveryProblemOf(fault);
  assert.deepEqual(problem, { reason: 'refused', host: 'hooks.example', status: 404 });
  assert.deepEqual(readDeliveryProblem(JSON.stringify(problem)), problem);
  assert.deepEqual(deliveryProblemOf(deliveryFault({ reason: 'timed-out' }, 'no answer')), { reason: 'timed-out' });
});

test('rows of words stay words, whatever they look like', () => {
  for (const words of ['hooks.example answered 500', '', '{', 'null', '500', '["refused"]', '{"reason":"of-tomorrow"}'])
    assert.deepEqual(readDeliveryProblem(words), { reason: 'other', detail: words });
});

test('facts of another kind are left out, and what is no failed delivery says why in its own words', () => {
  assert.deepEqual(readDeliveryProblem('{"reason":"refused","host":5,"status":"x","path":"secret"}'), {
    reason: 'refused',
  });
  assert.deepEqual(deliveryProblemOf(new Fault('CONFIGURATION_INVALID', 'name a mail server')), {
    reason: 'settings-invalid',
  });
  assert.deepEqual(deliveryProblemOf(new Fault('KEY_UNAVAILABLE', 'away')), { reason: 'secret-unreadable' });
  assert.deepEqual(deliveryProblemOf(new Fault('INTERNAL', 'odd')), { reason: 'other', detail: 'odd' });
});
