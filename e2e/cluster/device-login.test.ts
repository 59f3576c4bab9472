import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Person } from '../product/index.ts';
import { PASSWORD } from './people.ts';
import { TwoNodes } from './two-nodes.ts';

interface Polled {
  readonly error?: string;
  readonly stage?: string;
  readonly me?: { readonly user: { readonly username: string } };
  readonly cookie: string;
}

async function send(url: string, path: string, body?: object): Promise<Polled & Record<string, unknown>> {
  const response = await fetch(`${url}/api/v1/device-logins${path}`, {
    method: 'POST',
    headers: {
      ...{ origin: new URL(url).origin, 'x-enchilada': '1' },
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  return { ...answer, cookie: response.headers.getSetCookie().join('; ') };
}

test('a code of one node is approved at another, and of both asked at once one alone signs the program in', async () => {
  await using both = await TwoNodes.start();
  const { api } = await both.bootstrap();
  await api.createUser({ body: { username: 'ann', displayName: '', role: 'user', password: PASSWORD } });
  const ann = await Person.signIn(both.b.url, { username: 'ann', password: PASSWORD });
  const codes = await send(both.a.url, '');
  const { deviceCode, userCode, interval } = codes as unknown as {
    readonly deviceCode: string;
    readonly userCode: string;
    readonly interval: number;
  };
  await ann.api.decideDeviceLogin({ body: { userCode, verdict: 'approve' } });
  let answers: readonly Polled[] = [];
  while (!answers.some(({ error }) => error !== 'slow_down')) {
    // RFC 8628 section 3.5: who asks sooner is told to slow down, and each time by five seconds more.
    await sleep((interval + 5 * answers.length) * 1_000 + 100);
    answers = await Promise.all([both.a, both.b].map(({ url }) => send(url, '/poll', { deviceCode })));
  }
  const signedIn = answers.filter(({ stage }) => stage === 'complete');
  assert.deepEqual(
    signedIn.map(({ me }) => me?.user.username),
    ['ann'],
  );
  for (const { url } of [both.a, both.b]) {
    const me = await fetch(`${url}/api/v1/me`, { headers: { cookie: signedIn[0]?.cookie.split(';')[0] ?? '' } });
    assert.equal(me.status, 200);
    assert.equal((await send(url, '/poll', { deviceCode })).error, 'expired_token');
  }
});
