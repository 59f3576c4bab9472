import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RecordingStreamDecoder } from '@enchilada/contract';
import { startKubeApiServer, type KubeApiServer } from '@enchilada/core/testing/servers/kube-api-server';
import { Site } from './site.ts';

const owned = new AsyncDisposableStack();
let server: KubeApiServer;
const POD = { containers: [{ name: 'web' }] };

before(async () => {
  server = owned.use(
    await startKubeApiServer({
      pods: [
        { ...POD, namespace: 'shop', name: 'web-0' },
        { ...POD, namespace: 'shop', name: 'web-1' },
      ],
    }),
  );
});
after(() => owned.disposeAsync());

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function kubeconfig(): string {
  return JSON.stringify({
    kind: 'Config',
    clusters: [
      {
        name: 'c',
        cluster: {
          server: `https://${server.host}:${server.port}`,
          'certificate-authority-data': base64(server.authority),
        },
      },
    ],
    users: [{ name: 'u', user: { token: server.token } }],
    contexts: [{ name: 'shop cluster', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
  });
}

async function eventually<T>(probe: () => Promise<T | undefined>, what: string): Promise<T> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    const found = await probe();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${what}`);
}

test('a cluster is imported from a kubeconfig, a pod is chosen, its shell recorded, and the token is nowhere', async () => {
  await using site = await Site.start();
  const { api } = site.admin;
  const body = { format: 'kubernetes', text: kubeconfig() };
  const preview = await api.importTargets({ body: { ...body, preview: true } });
  assert.deepEqual([preview.saved, preview.created, preview.refused], [false, 1, 0]);
  assert.equal((await api.listCredentials()).items.length, 0);
  assert.equal((await api.importTargets({ body: { ...body, preview: false } })).saved, true);
  const target = (await api.listTargets({ query: {} })).items.find(({ name }) => name === 'shop cluster');
  assert.ok(target?.credentialId !== undefined);
  const userId = (await api.getMe()).user.id;
  await api.createGrant({
    body: {
      subject: { kind: 'user', id: userId },
      scope: { kind: 'target', id: target.id },
      actions: ['connect'],
    },
  });

  await using shell = await site.admin.open(target.id, { columns: 101, rows: 31, answers: [['web-1']] });
  await shell.live();
  const question = shell.frames.find((frame) => frame.type === 'prompt');
  assert.deepEqual(question?.fields[0]?.choices, ['web-0', 'web-1']);
  shell.type('stty size; echo in-$((40+2))-out\r');
  await shell.see('in-42-out');
  await shell.see('31 101');
  shell.type('exit 4\r');
  const end = await shell.ended();
  assert.deepEqual([end.reason, end.exitCode], ['closed-by-target', 4]);

  const recordingId = await eventually(async () => {
    const found = await api.getSession({ params: { id: shell.sessionId } });
    return found.state === 'ended' ? found.recordingId : undefined;
  }, 'the session to be written down as ended');
  await eventually(
    async () => ((await api.verifyRecording({ params: { id: recordingId } })).code === 0 ? true : undefined),
    'the recording to verify',
  );
  const response = await api.streamRecording({ params: { id: recordingId }, query: {} });
  const events = [...new RecordingStreamDecoder().push(new Uint8Array(await response.arrayBuffer()))];
  const recorded = Buffer.concat(
    events.flatMap(({ event }) => (event.kind === 'output' ? [event.bytes] : [])),
  ).toString();
  assert.ok(recorded.includes('in-42-out'));
  const audit = JSON.stringify(await api.listAudit({ query: { limit: 200 } }));
  assert.match(audit, /credential\.created/u);
  for (const where of [recorded, audit, JSON.stringify(shell.frames), JSON.stringify(server.requests)])
    assert.ok(!where.includes(server.token));
  assert.deepEqual(server.violations, []);
});
