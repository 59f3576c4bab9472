import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { after, before, test } from 'node:test';
import { RecordingStreamDecoder } from '@enchilada/contract';
import { startKubeApiServer, type KubeApiServer } from '@enchilada/core/testing/servers/kube-api-server';
import { until } from '@enchilada/core/testing/until';
import { Site } from './site.ts';
import { filesOf, findCanaries, Mirror, type Canaries } from './traces.ts';

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

/** Who signs in: their user in the kubeconfig, and what of it nobody may find anywhere. */
interface Account {
  readonly user: Readonly<Record<string, string>>;
  readonly secrets: Canaries;
}

const ACCOUNTS: Readonly<Record<string, () => Account>> = {
  token: () => ({ user: { token: server.token }, secrets: { token: server.token } }),
  'client certificate': () => {
    const { certificate, key } = server.client;
    const lines = key.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
    return {
      user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) },
      secrets: {
        'private key': lines.join('\n'),
        'private key without line ends': lines.join(''),
        'private key as a number': createPrivateKey(key).export({ format: 'jwk' }).d ?? '',
      },
    };
  },
};

function kubeconfig(user: Account['user']): string {
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
    users: [{ name: 'u', user }],
    contexts: [{ name: 'shop cluster', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
  });
}

for (const [kind, accountOf] of Object.entries(ACCOUNTS))
  test(`a cluster is imported from a kubeconfig, a pod is chosen, its shell recorded, and the secret is nowhere (${kind})`, async () => {
    using mirror = new Mirror();
    await using site = await Site.start({ config: 'log: { level: trace }\n' });
    const { api } = site.admin;
    const { user, secrets } = accountOf();
    const body = { format: 'kubernetes', text: kubeconfig(user) };
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

    const recordingId = await until(async () => {
      const found = await api.getSession({ params: { id: shell.sessionId } });
      return found.state === 'ended' ? found.recordingId : undefined;
    }, 'the session to be written down as ended');
    await until(
      async () => (await api.verifyRecording({ params: { id: recordingId } })).code === 0,
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
    await Promise.all([
      api.listTargets({ query: {} }),
      api.getTarget({ params: { id: target.id } }),
      api.listCredentials(),
      api.downloadRecording({ params: { id: recordingId } }),
    ]);
    const answers = await mirror.places();
    const places = [
      ...answers,
      ...(await filesOf(site.gateway.dataDir)),
      ...Object.entries({
        recorded,
        log: site.gateway.log,
        frames: JSON.stringify(shell.frames),
        requests: JSON.stringify(server.requests),
      }).map(([name, text]) => ({ name, bytes: Buffer.from(text) })),
    ];
    assert.deepEqual(findCanaries(places, secrets), []);
    // What one looks for must be findable where it may be.
    assert.ok(findCanaries(answers, { authority: server.authority.split('\n')[1] ?? '' }).length > 0);
    assert.ok(places.some(({ name }) => name.startsWith('enchilada.db')));
    assert.deepEqual(server.violations, []);
  });
