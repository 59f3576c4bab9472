import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '@enchilada/core/fault';
import { deliveryFault, type Notification } from '@enchilada/core/notification';
import { until } from '@enchilada/core/testing/until';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';

async function site() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'root');
  const ask = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object) => {
    const response = await call(node, method, path, { cookie, ...(body === undefined ? {} : { body }) });
    return { status: response.statusCode, text: response.body };
  };
  const made = await ask('POST', '/notifications', {
    ...{ kind: 'example', name: 'on call', parameters: {}, enabled: true, secret: 'canary-secret-of-the-endpoint' },
  });
  const other = await ask('POST', '/notifications', {
    ...{ kind: 'example', name: 'aside', parameters: {}, enabled: true, secret: 'another secret of an endpoint' },
  });
  const [id, aside] = [made, other].map(({ text }) => (JSON.parse(text) as { id: string }).id) as [string, string];
  const { store, clock, courier } = fixture;
  assert.ok(courier);
  const news: Notification = {
    ...{ id: 'ntf_1', event: 'request.asked', at: 1, title: 'x', facts: [], link: 'https://x', loud: false },
  };
  const queue = (entry: string, endpointId = id) =>
    store.now.notifications.queue([
      { id: entry, endpointId, notification: { ...news, id: `ntf_${entry}` }, attempts: 0, nextAt: clock.now() },
    ]);
  const problem = async () => (await store.now.notifications.findEndpoint(id))?.problem;
  return { fixture, ask, id, aside, store, clock, courier, queue, problem, made };
}

test('what cannot be delivered waits, longer each time, and is delivered once when it can be', async () => {
  const { fixture, id, store, clock, courier, queue, problem } = await site();
  await using _ = fixture;
  const delivered: string[] = [];
  fixture.deliver = () =>
    Promise.reject(deliveryFault({ reason: 'receiver-failed', host: 'chat.example', status: 503 }, 'away'));
  await queue('one');
  await queue('two');
  await courier.run();
  assert.deepEqual(await problem(), { reason: 'receiver-failed', host: 'chat.example', status: 503 });
  assert.equal(fixture.audit.events.filter(({ action }) => action === 'notification.failed').length, 1);
  clock.time += 9_999;
  await courier.run();
  fixture.deliver = (news) => {
    delivered.push(news.id);
    return Promise.resolve();
  };
  clock.time += 60_000;
  await Promise.all([courier.run(), courier.run()]);
  assert.deepEqual(delivered.sort(), ['ntf_one', 'ntf_two']);
  assert.equal(await problem(), undefined);
  assert.deepEqual(await store.now.notifications.due(id, clock.now() + 1e9, 10), []);
});

test('what can never be delivered is given up after a day, and that is written down', async () => {
  const { fixture, id, store, clock, courier, queue } = await site();
  await using _ = fixture;
  fixture.deliver = () => Promise.reject(new Fault('NOTIFICATION_FAILED', 'away'));
  await queue('one');
  for (let attempt = 0; attempt < 32; attempt++) {
    await courier.run();
    clock.time += 3_600_000;
  }
  assert.deepEqual(await store.now.notifications.due(id, clock.now() + 1e12, 10), []);
  assert.equal(fixture.audit.events.filter(({ action }) => action === 'notification.failed').length, 2);
});

test('an endpoint is tried out, its secret goes in and never comes out, and a switched-off one gets nothing', async () => {
  const { fixture, ask, id, store, courier, queue, made } = await site();
  await using _ = fixture;
  assert.equal(made.status, 201);
  const listed = await ask('GET', '/notifications');
  assert.ok(listed.text.includes('"hasSecret":true') && !listed.text.includes('canary'));
  const sealed = await store.now.notifications.findEndpoint(id);
  assert.ok(sealed?.secret !== undefined && !Buffer.from(sealed.secret.bytes).includes('canary'));
  const heard: Notification[] = [];
  fixture.deliver = (news) => Promise.resolve(void heard.push(news));
  assert.equal((await ask('POST', `/notifications/${id}/test`)).status, 204);
  assert.equal(heard[0]?.event, 'notification.test');
  fixture.deliver = () =>
    Promise.reject(deliveryFault({ reason: 'refused', host: 'chat.example', status: 403 }, 'refused there'));
  const failed = await ask('POST', `/notifications/${id}/test`);
  assert.equal(failed.status, 422);
  const { facts } = JSON.parse(failed.text) as { facts: object };
  assert.deepEqual(facts, { reason: 'refused', host: 'chat.example', status: 403 });
  const view = JSON.parse((await ask('GET', '/notifications')).text) as { items: { id: string; problem?: object }[] };
  assert.deepEqual(view.items.find((one) => one.id === id)?.problem, facts);
  assert.equal(
    (await ask('PUT', `/notifications/${id}`, { name: 'on call', parameters: {}, enabled: false, version: 1 })).status,
    200,
  );
  await queue('one');
  await courier.run();
  assert.equal(heard.length, 1);
  assert.equal(
    (await ask('POST', '/notifications', { kind: 'none', name: 'x', parameters: {}, enabled: true })).status,
    400,
  );
});

test('an endpoint that hangs delays no other, and is given up in time whatever it does', async () => {
  const { fixture, id, store, clock, courier, queue, problem, aside } = await site();
  await using _ = fixture;
  const limits: (() => void)[] = [];
  Object.assign(clock, {
    after: (_ms: number, work: () => void) => {
      limits.push(work);
      return { [Symbol.dispose]: () => limits.splice(limits.indexOf(work), 1) };
    },
  });
  const heard: string[] = [];
  // Takes no notice of any signal.
  fixture.deliver = (news) =>
    news.id === 'ntf_hangs' ? new Promise(() => undefined) : Promise.resolve(void heard.push(news.id));
  await queue('hangs');
  const first = courier.run();
  await until(() => limits.length === 1);
  await queue('one', aside);
  await courier.run();
  assert.deepEqual(heard, ['ntf_one']);
  for (const limit of limits.slice()) limit();
  await first;
  assert.deepEqual(await problem(), { reason: 'timed-out' });
  await queue('two');
  await courier.run();
  assert.deepEqual(heard, ['ntf_one'], 'it rests before it is asked anew');
  clock.time += 10_000;
  fixture.deliver = (news) => Promise.resolve(void heard.push(news.id));
  await courier.run();
  assert.deepEqual(heard.sort(), ['ntf_hangs', 'ntf_one', 'ntf_two']);
  assert.deepEqual(await store.now.notifications.due(id, clock.now() + 1e9, 10), []);
});
