import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';
import { populate } from '../testing/populate.ts';

test('a session is shown as ended once the reason of its end is kept, and not while its recording is being sealed', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('bob', 'user');
  const { session } = await populate(fixture, 'bob', 'bob-1');
  const cookie = await fixture.signIn(node, 'root');
  const shown = async () => {
    const response = await call(node, 'GET', `/sessions/${session}`, { cookie });
    return response.json<{ readonly state: string; readonly endReason?: string }>();
  };
  const before = await shown();
  assert.notEqual(before.state, 'ended');
  Object.defineProperty(node.broker, 'live', {
    value: [{ id: session, state: 'ended', viewers: [], bytes: { in: 1, out: 1 } }],
  });
  assert.equal((await shown()).state, before.state);
  await fixture.store.now.sessions.update(session, { state: 'ended', endedAt: 1, endReason: 'ACCESS_ENDED' });
  const { state, endReason } = await shown();
  assert.deepEqual({ state, endReason }, { state: 'ended', endReason: 'ACCESS_ENDED' });
});
