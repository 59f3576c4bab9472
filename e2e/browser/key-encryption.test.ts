import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { AwsSecretsStandIn } from '@enchilada/adapters/shared/aws/testing';
import { until } from '@enchilada/core/testing/until';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { ADMIN, LOOPBACK, Site } from '../tests/site.ts';
import { flaws } from './flaws.ts';
import { seatOf } from './seat.ts';

const PICTURES = join(import.meta.dirname, '..', '.artifacts', 'pages');
const SMALL_DESKTOP = { width: 1280, height: 800 };

test('an administrator sees which service holds the key and what it last said, and seals anew after a change of keys', async () => {
  await using cloud = await AwsSecretsStandIn.start();
  await using owned = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'enchilada-keys-'));
  owned.defer(() => rm(dataDir, { recursive: true, force: true }));
  const before = await Site.start({ dataDir });
  for (const name of ['one', 'two', 'three'])
    await before.admin.api.createCredential({ body: { name, kind: 'password', username: 'x', secret: `of ${name}` } });
  const { current: oldId } = await before.admin.api.getKeyEncryption();
  await before.gateway.stop();

  const arn = cloud.makeKey();
  const mayUse = [`kms:Encrypt ${arn}`, `kms:Decrypt ${arn}`];
  cloud.policies.set('node', mayUse);
  const config = `${LOOPBACK}secondFactor: { required: nobody }\nkeyEncryption: { key: "aws-kms:${arn}", alsoOpens: file }\n`;
  const gateway = owned.use(await Gateway.start({ dataDir, config, environment: cloud.environment }));
  const admin = await Person.signIn(gateway.url, ADMIN);
  const browser = owned.use(await Chromium.launch());
  await using window = await seatOf(browser, admin, { size: SMALL_DESKTOP });
  const page = await window.at('/settings');
  const row = (words: string) => page.getByRole('row').filter({ hasText: words });
  const inService = row(arn);
  await inService.getByText('AWS KMS').waitFor();
  await inService.getByText('Seals', { exact: true }).waitFor();
  await inService.getByText('Answered', { exact: true }).waitFor();
  await row(oldId).getByText('Only opens').waitFor();
  await page.getByText(/secrets are still sealed under another key/u).waitFor();
  await mkdir(PICTURES, { recursive: true });
  const picture = async (name: string): Promise<void> => {
    assert.deepEqual(await flaws(page, 'all'), [], name);
    await page
      .getByRole('heading', { name: /^(?:Key-encryption key|Hauptschlüssel)$/u })
      .locator('..')
      .screenshot({ path: join(PICTURES, `keys-${name}.png`) });
  };
  await picture('due');

  await page.getByRole('button', { name: 'Seal anew' }).click();
  await page.getByText('Everything in the database is sealed under the current key.').waitFor();
  await page.getByRole('button', { name: 'Seal anew' }).waitFor({ state: 'detached' });
  const { sealed, current } = await admin.api.getKeyEncryption();
  assert.ok(sealed.length > 0);
  assert.ok(sealed.every(({ keyId }) => keyId === current));
  // What is sealed under which key is counted while the request is not answered yet, too.
  const rewrapped = async (): Promise<number> =>
    (await admin.api.listAudit({ query: { action: 'keys.rewrapped' } })).items.length;
  await until(async () => (await rewrapped()) > 0);
  assert.equal(await rewrapped(), 1);

  cloud.policies.set('node', []);
  // Nothing of the kind was sealed yet, so the service is asked.
  await assert.rejects(admin.api.createAuthorityKey({}));
  await page.reload();
  await inService.getByText('Failed', { exact: true }).waitFor();
  await inService.getByText(/refused kms:Encrypt/u).waitFor();
  await inService.getByText('Answered before:').waitFor();
  await picture('failed');
  await page.setViewportSize(PHONE);
  await page.getByRole('button', { name: 'Menu' }).waitFor();
  await picture('failed-phone');
  await using german = await seatOf(browser, admin, { size: PHONE, locale: 'de-DE' });
  const hers = await german.at('/settings');
  await hers.getByText(/refused kms:Encrypt/u).waitFor();
  assert.deepEqual(await flaws(hers, 'geometry'), []);
  await hers
    .getByRole('heading', { name: 'Hauptschlüssel' })
    .locator('..')
    .screenshot({ path: join(PICTURES, 'keys-failed-german.png') });

  cloud.policies.set('node', mayUse);
  await admin.api.createAuthorityKey({});
  await page.reload();
  await inService.getByText('Answered', { exact: true }).waitFor();
  assert.deepEqual([...window.complaints(), ...german.complaints()], []);
});

test('what no configured key opens is said, and which nodes lack the current one, and offered to nobody for sealing anew', async () => {
  await using owned = new AsyncDisposableStack();
  const site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  await site.admin.api.createCredential({ body: { name: 'lost', kind: 'password', username: 'x', secret: 'secret' } });
  // As a database restored beside another key file has it.
  const database = new DatabaseSync(join(site.gateway.dataDir, 'enchilada.db'));
  database.exec('PRAGMA busy_timeout = 5000');
  const { changes } = database.prepare("UPDATE credential SET key_id = 'a-key-of-before'").run();
  assert.equal(changes, 1);
  // Another node, alive for an hour yet, which opens with no key of ours.
  database
    .prepare(
      "INSERT INTO node (id, url, version, started_at, heartbeat_at, key_ids) SELECT 'node-behind', '', version, started_at, heartbeat_at + 3600000, '[]' FROM node",
    )
    .run();
  database.close();
  const browser = owned.use(await Chromium.launch());
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/settings');
  await page.getByText('1 secret is sealed under a key that is not configured').waitFor();
  const row = page.getByRole('row').filter({ hasText: 'No configured key' });
  await row.getByText('a-key-of-before').waitFor();
  await row.getByText('Missing').waitFor();
  await page.getByRole('row').filter({ hasText: 'Key file' }).getByText('Read from the file').waitFor();
  await page.getByText('Other nodes lack the current key').waitFor();
  await page.getByText(/^Restart node-behind with this key/u).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Seal anew' }).count(), 0);
  assert.deepEqual(await flaws(page, 'all'), []);
  await mkdir(PICTURES, { recursive: true });
  const section = page.getByRole('heading', { name: 'Key-encryption key' }).locator('..');
  await section.screenshot({ path: join(PICTURES, 'keys-lost.png') });
  assert.deepEqual(window.complaints(), []);
});
