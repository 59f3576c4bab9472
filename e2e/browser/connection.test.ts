import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { tunnelPath, tunnelProtocols } from '@enchilada/contract';
import { closedPort } from '@enchilada/core/testing/free-port';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { inSight } from './bar-facts.ts';
import { flaws } from './flaws.ts';
import { openMachine, seatOf, SessionPage } from './seat.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;

before(async () => {
  sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

test('what is typed while the network is away arrives once it is back', async () => {
  const targetId = await site.machineOn(sshd, { name: 'far-machine' });
  await using window = await seatOf(browser, site.admin);
  const session = await openMachine(window, targetId);
  await session.ready();
  await session.run('true', 'before');
  await window.context.setOffline(true);
  await session.page.getByRole('status').filter({ hasText: 'Reconnecting' }).first().waitFor();
  await session.shows('before-42');
  await session.input.focus();
  await session.page.keyboard.type('echo typed-offline-$((6*7))\n');
  await session.page.getByText('What you type is kept.').waitFor();
  await window.context.setOffline(false);
  await session.connected();
  await session.shows('typed-offline-42');
});

test('a page of another port, in the same browser, rides on nobody’s login (T01)', async () => {
  const targetId = await site.machineOn(sshd, { name: 'not-for-others' });
  const { session, tickets } = await site.admin.api.openSession({ body: { targetId } });
  const sessions = async (): Promise<readonly string[]> =>
    (await site.admin.api.listSessions({ query: {} })).items.map(({ id }) => id).sort();
  const earlier = await sessions();
  const foreign = createHttpServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>foreign</title>'),
  );
  foreign.listen(0, 'localhost');
  await once(foreign, 'listening');
  try {
    await using window = await seatOf(browser, site.admin);
    const { hostname, port, origin } = new URL(site.gateway.url);
    const page = await window.tab(`http://${hostname}:${(foreign.address() as AddressInfo).port}/`);
    const tried = await page.evaluate(
      async ({ address, protocols, api, body }) => {
        const socket = await new Promise<string>((resolve) => {
          const opened = new WebSocket(address, [...protocols]);
          opened.onopen = () => resolve('open');
          opened.onerror = () => resolve('refused');
        });
        const asked = (init: RequestInit): Promise<string> =>
          fetch(api, { credentials: 'include', ...init }).then(
            (answer) => `${answer.type} ${answer.status}`,
            () => 'refused',
          );
        const post = { method: 'POST', body };
        return {
          socket,
          read: await asked({}),
          json: await asked({ ...post, headers: { 'content-type': 'application/json' } }),
          simple: await asked({ ...post, mode: 'no-cors', headers: { 'content-type': 'text/plain' } }),
        };
      },
      {
        address: `ws://${hostname}:${port}${tunnelPath({ sessionId: session.id, kind: 'control' }, { columns: 80, rows: 24 })}`,
        protocols: tunnelProtocols(tickets.control),
        api: `${origin}/api/v1/sessions`,
        body: JSON.stringify({ targetId }),
      },
    );
    // What a page may send without asking is sent; whether it did anything is asked below.
    assert.deepEqual(tried, { socket: 'refused', read: 'refused', json: 'refused', simple: 'refused' });
    assert.deepEqual(await sessions(), earlier);
    assert.equal((await site.admin.api.getSession({ params: { id: session.id } })).state, 'requested');
    // The same ticket opens its session for the page that it was given to.
    await using shell = await site.admin.join(session.id, 'control');
    await shell.live();
  } finally {
    foreign.close();
  }
});

test('the person is told who watches; a watcher sees the same and types into the void', async () => {
  const targetId = await site.machineOn(sshd, { name: 'watched-machine' });
  const wanda = await site.person('wanda-who-watches');
  await site.grant(wanda, targetId, ['connect', 'watch']);
  await using own = await seatOf(browser, site.admin);
  const session = await openMachine(own, targetId);
  await session.ready();
  await session.run('true', 'mine');

  await using other = await seatOf(browser, wanda);
  const live = await other.at('/live');
  const row = live.getByRole('row').filter({ hasText: 'watched-machine' });
  assert.equal(await row.getByRole('button', { name: 'End session' }).count(), 0);
  const watching = new SessionPage(await other.tabFrom(() => row.getByRole('button', { name: 'Watch' }).click()));
  await watching.connected();
  await watching.shows('mine-42');
  await watching.page.getByText('View only').waitFor();
  const told = session.page.getByRole('status').filter({ hasText: '1 watching' });
  await told.hover();
  await session.page.getByRole('tooltip').filter({ hasText: 'wanda-who-watches' }).waitFor();
  assert.equal(await watching.page.getByRole('button', { name: 'Send keys' }).count(), 0);
  await watching.page.locator('.xterm-helper-textarea').focus();
  await watching.page.keyboard.type('echo from-the-watcher\n');
  await session.run('true', 'still-mine');
  await watching.shows('still-mine-42');
  assert.doesNotMatch(await session.screen(), /from-the-watcher/u);
  await watching.page.close();
  await told.waitFor({ state: 'detached' });
});

test('a session resumed elsewhere says so where it was, and is had back only where that is asked for', async () => {
  const targetId = await site.machineOn(sshd, { name: 'moved-machine' });
  await using window = await seatOf(browser, site.admin);
  const first = await openMachine(window, targetId);
  await first.ready();
  await first.run('true', 'carried');
  await using elsewhere = await seatOf(browser, site.admin);
  const second = new SessionPage(await elsewhere.at(`/s/${first.sessionId}`));
  await second.connected();
  await second.shows('carried-42');
  await first.end.getByRole('heading', { name: 'This session was resumed in another window' }).waitFor();
  await second.run('true', 'here-now');
  await first.end.getByRole('link', { name: 'Connect again' }).click();
  await first.shows('here-now-42');
  await first.run('true', 'back-again');
  await second.end.getByRole('heading', { name: 'This session was resumed in another window' }).waitFor();
  // One that was merely cut off does not take it either when it wakes.
  await window.context.setOffline(true);
  await first.page.getByRole('status').filter({ hasText: 'Reconnecting' }).first().waitFor();
  await second.end.getByRole('link', { name: 'Connect again' }).click();
  await second.shows('back-again-42');
  await window.context.setOffline(false);
  await first.end.getByRole('heading', { name: 'This session was resumed in another window' }).waitFor();
  await second.run('true', 'still-here');
  const { items } = await site.admin.api.listAudit({ query: { action: 'viewer.joined', limit: 100 } });
  const joined = items.filter(({ object }) => object?.id === first.sessionId);
  assert.equal(joined.length, 4, 'nobody came back unasked');
});

test('an administrator who ends a session gives the reason to its person', async () => {
  const targetId = await site.machineOn(sshd, { name: 'ended-machine' });
  const ugo = await site.person('ugo-the-user');
  await site.grant(ugo, targetId, ['connect']);
  await using his = await seatOf(browser, ugo);
  const session = await openMachine(his, targetId);
  await session.ready();
  await using own = await seatOf(browser, site.admin);
  const live = await own.at('/live');
  const row = live.getByRole('row').filter({ hasText: 'ugo-the-user' });
  await row.getByRole('button', { name: 'End session' }).click();
  const dialog = live.getByRole('dialog', { name: 'End session of ugo-the-user on ended-machine' });
  assert.equal(await dialog.getByRole('button', { name: 'End session' }).isEnabled(), false);
  await dialog.getByRole('textbox', { name: 'Reason' }).fill('The machine is moved at noon');
  await dialog.getByRole('button', { name: 'End session' }).click();
  await session.end.getByRole('heading', { name: 'An administrator ended this session' }).waitFor();
  await session.end.getByText('The machine is moved at noon').waitFor();
  await row.waitFor({ state: 'detached' });
});

/** Set to have pictures of it. */
const IMAGES = process.env['DOCS_IMAGES'];
const NARROWEST = { width: 320, height: 640 };

test('state, round-trip time and that it is recorded stay in sight, in full screen and on a phone', async () => {
  await using desktop = await startXvnc({ geometry: '900x600' });
  await desktop.run('xsetroot', '-solid', '#203040');
  const credential = await site.admin.api.createCredential({
    body: { name: 'of the desktop', kind: 'password', username: '', secret: desktop.password },
  });
  const place = { host: desktop.host, port: desktop.port, credentialId: credential.id };
  const machines = {
    terminal: await site.machineOn(sshd, { name: 'terminal-with-a-rather-long-name' }),
    desktop: await site.machine({ name: 'desktop-with-a-rather-long-name', protocol: 'vnc', ...place }),
  };
  const picture = async (page: Page, name: string): Promise<void> => {
    if (IMAGES !== undefined) await page.screenshot({ path: join(IMAGES, `${name}.png`) });
  };
  for (const [kind, targetId] of Object.entries(machines)) {
    for (const scheme of ['dark', 'light'] as const) {
      await using wide = await seatOf(browser, site.admin, { scheme });
      const { page } = await openMachine(wide, targetId);
      await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
      await inSight(page, '.bar-facts', /Connected \d+ ms Recorded/u);
      await page.getByRole('button', { name: 'Full screen' }).click();
      await page.locator('.bar[data-fullscreen="true"]').waitFor();
      await page.locator('.session-main').hover();
      await page.locator('.session-main').click();
      await inSight(page, '.bar-badge', /Connected \d+ ms Recorded/u);
      await picture(page, `full-screen-${kind}-${scheme}`);
      await page.locator('.bar').hover({ position: { x: 400, y: 31 } });
      await page.locator('.bar-badge').waitFor({ state: 'hidden' });
      await page.close();
      // The narrowest in English, a usual one in the longer German.
      const [size, locale] = scheme === 'dark' ? ([PHONE, 'de-DE'] as const) : ([NARROWEST, 'en-GB'] as const);
      await using small = await seatOf(browser, site.admin, { scheme, size, locale, touch: true });
      const phone = (await openMachine(small, targetId)).page;
      await inSight(phone, '.bar-facts', /^ \d+ ms Rec$/u);
      await picture(phone, `phone-${kind}-${scheme}`);
      assert.deepEqual(await flaws(phone, 'geometry'), []);
      assert.deepEqual([...wide.complaints(), ...small.complaints()], []);
    }
  }
});

/** Each way to fail, in words, with the step that failed and what to do. */
interface Failure {
  readonly make: (scope: AsyncDisposableStack) => Promise<string>;
  readonly title: string;
  readonly next: string;
  readonly step: string | undefined;
}

async function listening(scope: AsyncDisposableStack, banner: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(banner);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const FAILURES: Readonly<Record<string, Failure>> = {
  'no such name': {
    make: () => site.machine({ name: 'misspelt', host: 'no-such-machine.invalid', port: 22 }),
    title: 'The name of the machine was not found',
    next: 'Check the spelling of the address',
    step: 'Find the name',
  },
  'a closed port': {
    make: async () => site.machine({ name: 'closed', host: '127.0.0.1', port: await closedPort() }),
    title: 'The machine answers, but not on this port',
    next: 'Check the port',
    step: 'Reach the port',
  },
  'a forbidden address': {
    make: () => site.machine({ name: 'metadata', host: '169.254.169.254', port: 22 }),
    title: 'The gateway’s network policy forbids this address',
    next: 'An administrator can allow the address',
    step: 'Find a route',
  },
  'another protocol': {
    make: async (scope) =>
      site.machine({ name: 'web-server', host: '127.0.0.1', port: await listening(scope, 'HTTP/1.1 400 Bad\r\n\r\n') }),
    title: 'The machine answered in a way that does not fit the protocol',
    next: 'Check that the port belongs to the chosen protocol',
    step: 'Agree on encryption',
  },
  'no common algorithm': {
    make: async (scope) => {
      const old = scope.use(
        await startSshd({ config: ['KexAlgorithms diffie-hellman-group14-sha1'], hostKeyTypes: ['rsa'] }),
      );
      return site.machineOn(old, { name: 'old-machine' });
    },
    title: 'Gateway and machine share no permitted algorithm',
    next: 'let an administrator allow legacy algorithms',
    step: 'Agree on encryption',
  },
  'an identity nobody pinned': {
    make: () => site.machineOn(sshd, { name: 'unpinned', hostKeyPolicy: 'deny' }),
    title: 'The machine’s identity is not known yet',
    next: 'An administrator must pin its host key',
    step: 'Check the machine’s identity',
  },
  'a wrong password': {
    make: async () => {
      const { id } = await site.admin.api.createCredential({
        body: { name: 'wrong', kind: 'password', username: sshd.username, secret: 'not the password' },
      });
      return site.machineOn(sshd, { name: 'locked', credentialId: id });
    },
    title: 'The machine refused the credential',
    next: 'Check the user name and secret',
    step: 'Sign in',
  },
};

for (const [name, { make, title, next, step }] of Object.entries(FAILURES)) {
  test(`${name} is told in words, with the step that failed and what to do`, async () => {
    await using scope = new AsyncDisposableStack();
    const targetId = await make(scope);
    await using window = await seatOf(browser, site.admin);
    const session = await openMachine(window, targetId);
    await session.end.getByRole('heading', { name: title }).waitFor();
    await session.end.getByText(next).waitFor();
    const failed = session.end.getByRole('listitem').filter({ hasText: 'failed' });
    if (step !== undefined) assert.equal((await failed.innerText()).split('\n')[0], step);
    await session.end.getByRole('link', { name: 'Open again' }).waitFor();
    assert.deepEqual(
      // The session may be over before its second socket asks for it: the browser reports that one itself.
      window.complaints().filter((words) => !/^404|\/data' failed: .* 404$/u.test(words)),
      [],
    );
  });
}

test('a page that lost its link before it was told learns from the record at which step the session failed', async () => {
  const targetId = await site.machineOn(sshd, { name: 'lost-word', hostKeyPolicy: 'deny' });
  await using window = await seatOf(browser, site.admin);
  let lost = 0;
  await window.context.routeWebSocket(/\/control/u, (page) => {
    const gateway = page.connectToServer();
    gateway.onMessage(async (message) => {
      if ((JSON.parse(String(message)) as { readonly type: string }).type !== 'ended') return page.send(message);
      lost += 1;
      await page.close();
    });
  });
  const page = await window.at(`/s/new?target=${targetId}`);
  const end = page.getByRole('alert');
  await end.getByRole('heading', { name: 'The machine’s identity is not known yet' }).waitFor();
  const failed = end.getByRole('listitem').filter({ hasText: 'failed' });
  assert.equal((await failed.innerText()).split('\n')[0], 'Check the machine’s identity');
  assert.equal(lost, 1);
  if (IMAGES !== undefined) await page.screenshot({ path: join(IMAGES, 'lost-word.png') });
});

test('a machine that answers nothing is told from one that refuses', async () => {
  // A queue of one connection that is full: further ones are dropped, as by a firewall.
  const hole = spawn('python3', [
    '-c',
    `import socket,time
s=socket.socket();s.bind(("127.0.0.1",0));s.listen(0)
print(s.getsockname()[1],flush=True)
held=[]
for _ in range(3):
    c=socket.socket();c.setblocking(False)
    try: c.connect(s.getsockname())
    except BlockingIOError: pass
    held.append(c)
time.sleep(600)`,
  ]);
  try {
    const [port] = (await once(hole.stdout, 'data')) as [Buffer];
    const targetId = await site.machine({ name: 'black-hole', host: '127.0.0.1', port: Number(String(port)) });
    await using window = await seatOf(browser, site.admin);
    const session = await openMachine(window, targetId);
    const path = session.page.getByRole('region', { name: 'Opening black-hole' });
    await path.getByRole('listitem').filter({ hasText: 'in progress' }).getByText('Find a route').waitFor();
    await session.end.getByRole('heading', { name: 'The machine did not answer in time' }).waitFor();
    await session.end.getByText('no firewall or security group is dropping').waitFor();
  } finally {
    hole.kill('SIGKILL');
  }
});

test('a machine that dies in mid-session leaves its last screen and the way back', async () => {
  const targetId = await site.machineOn(sshd, { name: 'mortal-machine' });
  await using window = await seatOf(browser, site.admin);
  const session = await openMachine(window, targetId);
  await session.ready();
  await session.run('true', 'last-words');
  await session.type('kill -9 $PPID');
  await session.end.getByRole('heading', { name: 'The machine closed the connection' }).waitFor();
  await session.end.getByText('look into the machine’s own log').waitFor();
  await session.end.getByRole('link', { name: 'Play recording' }).waitFor();
  await session.end.getByRole('button', { name: 'Show last screen' }).click();
  await session.end.waitFor({ state: 'detached' });
  await session.shows('last-words-42');
  await session.page.getByRole('link', { name: 'Open again' }).click();
  await session.ready();
});
