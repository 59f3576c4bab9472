import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Guacd } from '@enchilada/core/testing/servers/guacd';
import { startKubeApiServer } from '@enchilada/core/testing/servers/kube-api-server';
import { generateKey } from '@enchilada/core/testing/servers/sshd';
import { startTelnetd } from '@enchilada/core/testing/servers/telnetd';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import type { Page } from 'playwright-core';
import { eventually } from '../cluster/people.ts';
import { type BrowserWindow, Chromium } from '../fixtures/chromium.ts';
import { Site, startSshd, type TargetChange } from '../tests/site.ts';
import { filesOf, findCanaries } from '../tests/traces.ts';
import type { Canaries, Place } from '../tests/traces.ts';
import {
  documentOf,
  Heaps,
  placesOfHar,
  plantInSite,
  plantInTab,
  siteStorageOf,
  tabStorageOf,
} from './browser-traces.ts';
import { DesktopPage } from './desktop-page.ts';
import { SessionPage } from './seat.ts';

/** Letters that no text format changes, so that each is found wherever it stands. */
const canary = (length: number): string => randomBytes(length).toString('base64url').slice(0, length);

/** In the names of machines, in what they print, and planted in the browser: whatever is searched must find it there. */
const SHOWN = canary(24);
const NINA = { username: 'nina', password: canary(24) };
const CONFIG = 'log: { level: trace }\naudit: { stdout: true }\nsecondFactor: { required: nobody }\n';
/** VNC knows eight characters and no more. */
const VNC_PASSWORD = 8;

const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;
let folder: string;
/** What the gateway signs in to machines with, for the person who never sees it. */
const sealed: Record<string, string> = {};
const machines: { readonly protocol: string; readonly id: string }[] = [];

async function own<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
  return owned.use(await starting);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enchilada-canaries-'));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const guacd = await own(Guacd.start());
  const startSite = Site.start({
    config: `${CONFIG}guacd: { servers: "tcp://127.0.0.1:${guacd.port}", allowVulnerable: true }\n`,
    environment: { ENCHILADA_EGRESS_ALLOW_CLEARTEXT: 'true' },
  });
  const [begun, launched, ...servers] = await Promise.all([
    own(startSite),
    own(Chromium.launch({ wholeStrings: true })),
    own(startSshd({ hostKeyTypes: ['ed25519'] })),
    own(startTelnetd()),
    own(startKubeApiServer()),
    own(startXvnc({ password: canary(VNC_PASSWORD) })),
    own(startXrdp({ password: canary(24) })),
    own(startXvnc({ password: canary(VNC_PASSWORD), securityTypes: 'VncAuth' })),
  ]);
  [site, browser] = [begun, launched];
  await addMachines(servers);
});
after(() => owned.disposeAsync());

type Servers = readonly [
  Awaited<ReturnType<typeof startSshd>>,
  Awaited<ReturnType<typeof startTelnetd>>,
  Awaited<ReturnType<typeof startKubeApiServer>>,
  Awaited<ReturnType<typeof startXvnc>>,
  Awaited<ReturnType<typeof startXrdp>>,
  Awaited<ReturnType<typeof startXvnc>>,
];

/** A machine of each protocol, each with a credential of its own, which nina may open. */
async function addMachines([sshd, telnetd, cluster, vnc, rdp, behindGuacd]: Servers): Promise<void> {
  const { api } = site.admin;
  const { id: ninaId } = await api.createUser({ body: { ...NINA, displayName: '', role: 'user' } });
  const passphrase = canary(24);
  const { privateKey, publicKey } = await generateKey(['-t', 'ed25519'], passphrase);
  await sshd.authorize(publicKey);
  const [, , second = '', third = ''] = privateKey.split('\n');
  Object.assign(sealed, { 'SSH key, a line': second, 'SSH key, another': third, 'SSH passphrase': passphrase });
  const add = async (
    protocol: string,
    server: { readonly host: string; readonly port: number },
    secret:
      | { readonly username: string; readonly privateKey: string }
      | { readonly secret: string; readonly username?: string },
    change: TargetChange = {},
  ): Promise<void> => {
    const kind = 'secret' in secret ? ('password' as const) : ('private-key' as const);
    if ('secret' in secret) sealed[protocol] = secret.secret;
    const { id: credentialId } = await api.createCredential({
      body: { name: protocol, kind, ...{ username: '', ...secret }, ...(kind === 'password' ? {} : { passphrase }) },
    });
    const { host, port } = server;
    const id = await site.machine({ name: `${SHOWN} ${protocol}`, protocol, host, port, credentialId, ...change });
    const scope = { kind: 'target' as const, id };
    await api.createGrant({ body: { subject: { kind: 'user', id: ninaId }, scope, actions: ['connect'] } });
    machines.push({ protocol, id });
  };
  await add('ssh', sshd, { username: sshd.username, privateKey });
  await add('telnet', telnetd, { username: telnetd.username, secret: telnetd.password });
  const certificateAuthority = cluster.authority.trim().split('\n');
  await add(
    'kubernetes',
    cluster,
    { secret: cluster.token },
    { parameters: { namespace: 'shop', pod: 'web-0', certificateAuthority } },
  );
  // A canvas is black before anything was drawn.
  for (const desktop of [vnc, rdp, behindGuacd]) await desktop.run('xsetroot', '-solid', '#203040');
  await add('vnc', vnc, { secret: vnc.password });
  await add('rdp', rdp, { username: rdp.username, secret: rdp.password });
  await add('guacd', behindGuacd, { secret: behindGuacd.password }, { parameters: { protocol: 'vnc' } });
}

async function signIn(window: BrowserWindow): Promise<Page> {
  const page = await window.tab(`${site.gateway.url}/sign-in`);
  await page.getByLabel('User name').fill(NINA.username);
  await page.getByRole('textbox', { name: 'Password' }).fill(NINA.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Machines' }).waitFor();
  return page;
}

/** A session that shows what the machine shows. */
async function openLive(window: BrowserWindow, { protocol, id }: (typeof machines)[number]): Promise<Page> {
  const page = await window.tab(`${site.gateway.url}/s/new?target=${id}`);
  if (['vnc', 'rdp', 'guacd'].includes(protocol)) await new DesktopPage(page).connected();
  else {
    const terminal = await new SessionPage(page).connected();
    // What is typed while a machine still signs somebody in may be thrown away there.
    await terminal.shows(/[$#]\s*$/u);
    await terminal.run(`echo ${SHOWN}`, 'printed');
  }
  return page;
}

async function endSession(page: Page): Promise<void> {
  await page.bringToFront();
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'End session' }).click();
  await page.getByRole('heading', { name: 'You ended the session' }).waitFor();
}

/** All that the gateway gives out afterwards to those who may read everything. */
async function answersAfterwards(): Promise<readonly Place[]> {
  const { api } = site.admin;
  await eventually('every recording to be complete', async () => {
    const { items } = await api.listRecordings({ query: {} });
    return items.length === machines.length && items.every(({ state }) => state === 'complete');
  });
  const places: Place[] = [];
  const keep = async (name: string, answer: Promise<Response>): Promise<void> => {
    places.push({ name, bytes: Buffer.from(await (await answer).arrayBuffer()) });
  };
  for (const { id, surface } of (await api.listRecordings({ query: {} })).items) {
    const formats = surface === 'terminal' ? (['text', 'asciicast', 'surface'] as const) : (['surface'] as const);
    for (const format of formats)
      await keep(`recording ${id} ${format}`, api.exportRecording({ params: { id }, query: { format } }));
    await keep(`recording ${id} events`, api.streamRecording({ params: { id }, query: {} }));
    await keep(`recording ${id} sealed`, api.downloadRecording({ params: { id } }));
  }
  for (const format of ['csv', 'jsonl'] as const) await keep(`audit ${format}`, api.exportAudit({ query: { format } }));
  return places;
}

const filesNamed = async (when: string): Promise<readonly Place[]> =>
  (await filesOf(site.gateway.dataDir)).map(({ name, bytes }) => ({
    name: `${name.startsWith('enchilada.db') ? 'database' : 'file'} ${when} ${name}`,
    bytes,
  }));

test('no credential of a machine of any protocol is found in the browser that uses it, nor in what the gateway keeps', async () => {
  const har = join(folder, 'all.har');
  const places: Place[] = [];
  const said: string[] = [];
  let cookie = '';
  {
    await using window = await browser.window({ har });
    window.context.on('console', (message) => said.push(message.text()));
    window.context.on('weberror', (error) => said.push(String(error.error())));
    const signedIn = await signIn(window);
    cookie = (await window.context.cookies()).find(({ name }) => name.endsWith('enchilada'))?.value ?? '';
    const tabs: { readonly protocol: string; readonly page: Page }[] = [];
    for (const machine of machines) tabs.push({ protocol: machine.protocol, page: await openLive(window, machine) });
    for (const { protocol, page } of tabs) await plantInTab(page, `${SHOWN} in ${protocol}`);
    await plantInSite(signedIn, SHOWN);

    const heaps = new Heaps();
    for (const { protocol, page } of tabs)
      places.push(
        await heaps.stringsOf(page, `heap of ${protocol}`),
        await documentOf(page, `document of ${protocol}`),
        await tabStorageOf(page, `sessionStorage of ${protocol}`),
      );
    places.push(...(await siteStorageOf(signedIn)), ...(await filesNamed('live')));
    for (const { page } of tabs) await endSession(page);
  }
  places.push({ name: 'console', bytes: Buffer.from(said.join('\n')) }, ...(await placesOfHar(har)));
  places.push(...(await answersAfterwards()));
  await site.gateway.stop();
  places.push(...(await filesNamed('afterwards')), { name: 'log', bytes: Buffer.from(site.gateway.log) });

  const search = (canaries: Canaries): readonly string[] => findCanaries(places, canaries);
  // A search that finds nothing anywhere is worth nothing: what may be seen is found in each kind of place.
  const inTabs = ['heap', 'document', 'sessionStorage'].flatMap((kind) =>
    machines.map(({ protocol }) => `${kind} of ${protocol}`),
  );
  assert.deepEqual(
    new Set(search({ SHOWN }).map(kindOf)),
    new Set([
      ...inTabs,
      ...['cookies', 'localStorage', 'IndexedDB', 'caches', 'console', 'HAR request', 'HAR answer', 'HAR frames'],
      // The heads of recordings name their machine.
      ...['database', 'file', 'log', 'audit', 'recording'],
    ]),
  );
  assert.deepEqual(search(sealed), []);
  // What the person typed was in that page and in that request, and is nowhere else.
  assert.deepEqual(
    new Set(search({ 'sign-in password': NINA.password }).map(placeOf)),
    new Set(['HAR request POST /api/v1/login']),
  );
  // The cookie goes with every request, and no script reads it.
  const withCookie = new Set(search({ cookie }).map(kindOf));
  assert.deepEqual(withCookie, new Set(['HAR request', 'HAR answer', 'cookies']));
});

const placeOf = (line: string): string => line.slice(0, line.indexOf(': '));
/** Places of one kind differ in what is behind their first word, or words. */
const kindOf = (line: string): string =>
  /^(?:HAR \w+|(?:heap|document|sessionStorage) of \w+|\w+)/u.exec(line)?.[0] ?? line;
