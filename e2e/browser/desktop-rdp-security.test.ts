import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { DesktopPage, until } from './desktop-page.ts';
import { seatOf } from './seat.ts';
import { siteAndChromium } from './site-and-chromium.ts';

const GROUND = '#204060';
const { site, browser } = await siteAndChromium();

test('a machine with RDP’s own encryption alone is opened once its key was accepted, says what it lacks, and plays back', async () => {
  await using server = await startXrdp({ securityLayer: 'rdp' });
  await server.run('xsetroot', '-solid', GROUND);
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-rdp-security-'));
  const file = join(folder, 'typed');
  try {
    const { api } = site.admin;
    const { id: credentialId } = await api.createCredential({
      body: { name: 'old desk', kind: 'password', username: server.username, secret: server.password },
    });
    const { host, port } = server;
    const machine = { name: 'old desk', protocol: 'rdp', host, port, credentialId, hostKeyPolicy: 'ask' } as const;
    const refused = await site.machine({ ...machine, name: 'older desk' });
    const id = await site.machine({ ...machine, parameters: { allowRdpSecurity: true } });
    const { items } = await api.listAudit({ query: { action: 'weakening.enabled', limit: 100 } });
    assert.deepEqual(
      items.map(({ object, detail }) => [object?.id, detail?.['parameter']]).filter(([, name]) => name !== undefined),
      [[id, 'allowRdpSecurity']],
    );

    // Refused as fast as it is, the session may be over before its page has opened the second socket, which Chromium complains of.
    await using other = await seatOf(browser, site.admin);
    const closed = await other.at(`/s/new?target=${refused}`);
    await closed.getByRole('alert').waitFor();
    assert.equal(server.signIns(), 0);

    await using own = await seatOf(browser, site.admin, { size: { width: 1000, height: 700 } });
    const page = await own.at(`/s/new?target=${id}`);
    const question = page.getByRole('dialog', { name: 'Is this old desk?' });
    await question.getByText(server.fingerprint).waitFor();
    await question.getByText('rdp-rsa').waitFor();
    assert.equal(server.signIns(), 0);
    await question.getByRole('button', { name: 'Accept and connect' }).click();
    const live = await new DesktopPage(page).connected();
    await page.getByText('Identity unproven').waitFor();
    await live.shows(GROUND, { x: 900, y: 600 });
    await until(async () => (await live.size()).startsWith('1000x'), 'a desktop as wide as the window');

    const terminal = server.start('xterm', '-geometry', '60x20+0+0', '-e', `cat > ${file}`);
    await live.shows('#ffffff', { x: 300, y: 200 });
    await page.mouse.click(200, 200);
    await page.keyboard.type('hello from ada\n');
    await until(async () => (await readFile(file, 'utf8').catch(() => '')) === 'hello from ada\n', 'what was typed');

    terminal.kill();
    await server.run('xsetroot', '-solid', '#336699');
    await live.isAll('#336699');
    const { sessionId } = live;
    await api.endSession({ params: { id: sessionId }, body: {} });
    await page.getByRole('alert').waitFor();
    const last = await live.pixels();
    const recordingId = await site.recordingOf(sessionId);
    const played = new DesktopPage(await own.at(`/r/${recordingId}`), '.player-desktop');
    await until(async () => (await played.pixels()) === last, 'the last picture, played back');
    await played.page.getByRole('button', { name: /^Verified/ }).waitFor();
    assert.deepEqual(own.complaints(), []);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
