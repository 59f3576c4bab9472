import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../cluster/people.ts';
import { Site, startSshd } from './site.ts';

const RETENTION_DAYS = 37;
const owned = new AsyncDisposableStack();
let site: Site;
let targetId: string;

before(async () => {
  const sshd = owned.use(await startSshd());
  site = owned.use(await Site.start({ config: `recording.retention: ${RETENTION_DAYS}d\n` }));
  targetId = await site.machineOn(sshd);
});
after(() => owned.disposeAsync());

test('the head of a recording names the audit row that names the recording, and the last row its manifest', async () => {
  const shell = await site.admin.open(targetId);
  await shell.live();
  shell.type('exit\r');
  await shell.ended();
  await shell.leave();
  const { api } = site.admin;
  await eventually('the end to be written down', async () => {
    return (await api.getSession({ params: { id: shell.sessionId } })).state === 'ended';
  });
  const { recordingId = '' } = await api.getSession({ params: { id: shell.sessionId } });
  const rowOf = async (action: string) => {
    const { items } = await api.listAudit({ query: { action, limit: 100 } });
    return items.find(({ detail }) => detail?.['recordingId'] === recordingId);
  };
  const [head = ''] = globSync(join(site.gateway.dataDir, 'recordings', '**', recordingId, 'head.json'));
  const opened = await rowOf('session.opened');
  assert.ok(opened !== undefined && /^[0-9a-f]{64}$/u.test(opened.hash));
  const text = readFileSync(head, 'utf8');
  assert.ok(text.includes(`"auditHash":"${opened.hash}"`));
  const { description } = JSON.parse(text) as { description: { startedAt: number; retainUntil: number } };
  assert.equal(opened.detail?.['retainUntil'], description.retainUntil);
  assert.equal(description.retainUntil - description.startedAt, RETENTION_DAYS * 86_400_000);
  await eventually('the end to be audited', async () => (await rowOf('session.ended')) !== undefined);
  assert.match(String((await rowOf('session.ended'))?.detail?.['manifestHash']), /^[0-9a-f]{64}$/u);
});
