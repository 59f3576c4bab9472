import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import type { Person } from '../product/index.ts';
import { startSshd } from '../tests/site.ts';
import { TwoNodes } from './two-nodes.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

/** What becomes of an administrator who makes a machine of a place and opens it. */
async function tried(admin: Person, place: Place): Promise<string> {
  const { api } = admin;
  const target = await api.createTarget({
    body: { name: `${place.host} ${place.port}`, protocol: 'ssh', hostKeyPolicy: 'trust-first', ...place },
  });
  const { user } = await api.getMe();
  await api.createGrant({
    body: { subject: { kind: 'user', id: user.id }, scope: { kind: 'target', id: target.id }, actions: ['connect'] },
  });
  const shell = await admin.open(target.id, { answers: [] });
  const { fault } = await shell.ended();
  await shell.leave();
  return fault?.code ?? '';
}

function placesOf(both: TwoNodes): readonly Place[] {
  const portOf = (url: string): number => Number(new URL(url).port);
  return [both.databaseUrl, both.a.url, both.b.url].flatMap((url) =>
    ['127.0.0.1', 'localhost', '127.0.0.2'].map((host) => ({ host, port: portOf(url) })),
  );
}

/** They may be dialled here, because the machines of tests are here too; what the product itself listens on may not. */
async function unreachable(both: TwoNodes, sshd: Sshd): Promise<void> {
  const admin = await both.bootstrap();
  for (const place of placesOf(both))
    assert.equal(await tried(admin, place), 'TARGET_EGRESS_DENIED', JSON.stringify(place));
  // The way to a machine beside them is open: it asks for a credential that was not given.
  assert.equal(await tried(admin, { host: sshd.host, port: sshd.port }), 'PROMPT_ABANDONED');
}

test('the database, the other node and the gateway itself are no machines, whatever they are called', async () => {
  await using sshd = await startSshd();
  await using both = await TwoNodes.start();
  await unreachable(both, sshd);
});

test('a named option opens them, and is audited as a weakening', async () => {
  await using both = await TwoNodes.start({ egress: 'egress: { allowLoopback: true, allowOwnServices: true }' });
  const admin = await both.bootstrap();
  for (const place of placesOf(both).filter(({ host }) => host === '127.0.0.1'))
    assert.notEqual(await tried(admin, place), 'TARGET_EGRESS_DENIED', JSON.stringify(place));
  const { items } = await admin.api.listAudit({ query: { action: 'weakening.enabled' } });
  const named = items.filter(({ detail }) => detail?.['weakening'] === 'egress.allowOwnServices: true');
  assert.equal(named.length, 2, 'by each node');
});
