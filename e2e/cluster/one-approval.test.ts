import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { Person } from '../product/index.ts';
import { PASSWORD } from './people.ts';
import { TwoNodes } from './two-nodes.ts';

const REDEMPTIONS = 1_000;
/** At one node; below what one address may have. */
const SOCKETS = 250;

test('of a thousand sessions at once on two nodes and PostgreSQL with one approval exactly one is opened (R28)', async (t) => {
  await using both = await TwoNodes.start();
  const { api } = await both.bootstrap();
  const account = async (username: string): Promise<{ readonly id: string; readonly person: Person }> => {
    const { id } = await api.createUser({ body: { username, displayName: '', role: 'user', password: PASSWORD } });
    return { id, person: await Person.signIn(both.a.url, { username, password: PASSWORD }) };
  };
  const [ann, olaf] = [await account('ann'), await account('olaf')];
  const leads = await api.createGroup({ body: { name: 'leads', description: '' } });
  await api.addMember({ params: { id: leads.id }, body: { userId: olaf.id } });
  const target = await api.createTarget({ body: { name: 'db', protocol: 'ssh', host: '192.0.2.1', port: 22 } });
  await api.createGrant({
    body: {
      ...{ subject: { kind: 'user', id: ann.id }, scope: { kind: 'target', id: target.id }, actions: ['connect'] },
      conditions: { approval: { groups: [leads.id], count: 1, minutes: 60 } },
    },
  });
  const until = Date.now() + 30 * 60_000;
  const asked = await ann.person.api.createRequest({
    body: { scope: { kind: 'target', id: target.id }, until, reason: 'a thousand times' },
  });
  await olaf.person.api.decideRequest({
    params: { id: asked.id },
    body: { verdict: 'approve', hash: asked.hash },
  });

  const agents = [both.a, both.b].map(({ url }) => ({
    url,
    agent: new Agent({ keepAlive: true, maxSockets: SOCKETS }),
  }));
  const redeem = async ({ url, agent }: (typeof agents)[number]): Promise<string> => {
    const body = JSON.stringify({ targetId: target.id });
    const call = httpRequest(`${url}/api/v1/sessions`, {
      ...{ method: 'POST', agent },
      headers: {
        ...{ origin: new URL(url).origin, cookie: ann.person.cookie, 'x-enchilada': '1' },
        ...{ 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
    });
    call.end(body);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    const text = await response.setEncoding('utf8').reduce((whole: string, part: string) => whole + part, '');
    return response.statusCode === 201 ? 'opened' : (JSON.parse(text) as { code: string }).code;
  };
  const begun = performance.now();
  const [a, b] = agents;
  assert.ok(a !== undefined && b !== undefined);
  const codes = await Promise.all(Array.from({ length: REDEMPTIONS }, (_, index) => redeem(index % 2 === 0 ? a : b)));
  t.diagnostic(`${REDEMPTIONS} redemptions took ${Math.round(performance.now() - begun)} ms`);
  for (const { agent } of agents) agent.destroy();
  const tally = [...new Set(codes)].map((code) => `${code} ${codes.filter((one) => one === code).length}`);
  assert.deepEqual(tally.sort(), ['APPROVAL_REQUIRED 999', 'opened 1']);
  const { status, uses } = await ann.person.api.getRequest({ params: { id: asked.id } });
  assert.deepEqual([status, uses], ['used', 1]);
});
