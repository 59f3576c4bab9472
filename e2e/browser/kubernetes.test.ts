import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startKubeApiServer, type KubeApiServer } from '@enchilada/core/testing/servers/kube-api-server';
import { completeRecording } from '../cluster/people.ts';
import { Chromium } from '../fixtures/chromium.ts';
import { Site } from '../tests/site.ts';
import { SessionPage, seatOf } from './seat.ts';

const IMAGES = process.env['DOCS_IMAGES'];

const owned = new AsyncDisposableStack();
let server: KubeApiServer;
let site: Site;
let browser: Chromium;
const POD = { containers: [{ name: 'web' }] };

before(async () => {
  const pods = ['web-0', 'web-1', 'worker-5d9c7b'].map((name) => ({ ...POD, namespace: 'shop', name }));
  server = owned.use(await startKubeApiServer({ pods: [...pods, { ...POD, namespace: 'mail', name: 'queue-0' }] }));
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('a kubeconfig becomes a machine in the form, its pods are chosen from a list, and its shell is played back', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/catalog/machines');
  await page.getByRole('button', { name: 'Import', exact: true }).first().click();
  const drawer = page.getByRole('dialog', { name: 'Import' });
  await drawer.getByText('kubeconfig', { exact: true }).click();
  const cluster = {
    server: `https://${server.host}:${server.port}`,
    'certificate-authority-data': base64(server.authority),
  };
  const file = {
    kind: 'Config',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token: server.token } }],
    contexts: [{ name: 'shop-cluster', context: { cluster: 'c', user: 'u' } }],
  };
  await drawer.getByRole('textbox').fill(JSON.stringify(file));
  await drawer.getByRole('button', { name: 'Preview' }).click();
  await drawer.getByText('shop-cluster', { exact: true }).waitFor();
  if (IMAGES !== undefined) await page.screenshot({ path: join(IMAGES, 'kubernetes-import.png') });
  await drawer.getByRole('button', { name: 'Save 1 machine' }).click();
  await drawer.waitFor({ state: 'hidden' });

  const { api } = site.admin;
  const target = (await api.listTargets({ query: {} })).items.find(({ name }) => name === 'shop-cluster');
  assert.ok(target !== undefined);
  await api.createGrant({
    body: {
      subject: { kind: 'user', id: (await api.getMe()).user.id },
      scope: { kind: 'target', id: target.id },
      actions: ['connect'],
    },
  });
  const session = new SessionPage(await window.at(`/s/new?target=${target.id}`));
  const question = session.page.getByRole('dialog', { name: 'Choose on shop-cluster' });
  for (const [label, typed, wanted] of [
    ['Namespace', 'sh', 'shop'],
    ['Pod', 'wor', 'worker-5d9c7b'],
  ] as const) {
    const field = question.getByRole('combobox', { name: label });
    await field.click();
    await field.fill(typed);
    await session.page.getByRole('option', { name: wanted }).waitFor();
    if (IMAGES !== undefined) await session.page.screenshot({ path: join(IMAGES, `kubernetes-${label}.png`) });
    await session.page.getByRole('option', { name: wanted }).click();
    await question.getByRole('button', { name: 'Continue' }).click();
  }
  await session.connected();
  await session.run('stty size', 'sized');
  await session.type('kill -KILL $$');
  await session.end.getByText('SIGKILL').waitFor();
  if (IMAGES !== undefined) await session.page.screenshot({ path: join(IMAGES, 'kubernetes-end.png') });
  assert.deepEqual(server.violations, []);

  const player = await window.at(`/r/${await completeRecording(site.admin)}`);
  await player.getByRole('button', { name: /^Verified/u }).waitFor();
  await player.getByRole('slider', { name: 'Position' }).press('End');
  await player.locator('.xterm-rows').filter({ hasText: 'stty size' }).waitFor();
  assert.deepEqual(window.complaints(), []);
});
