import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RecordingStreamDecoder } from '@enchilada/contract';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { completeRecording, eventually } from '../cluster/people.ts';
import { Chromium } from '../fixtures/chromium.ts';
import { startSshd } from '../tests/site.ts';
import type { Site } from '../tests/site.ts';
import { Network } from './network.ts';
import { openMachine, seatOf } from './seat.ts';

/** Longer than the minute that a viewer is given, on a slow machine too. */
const WAIT_MS = 180_000;

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let network: Network;
let site: Site;
let browser: Chromium;

before(async () => {
  sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
  ({ network, site } = await Network.withSite());
  owned.use(network);
  owned.use(site);
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

/** More than the systems' buffers take between a machine and a browser that does not read. */
const LINES = 3_000_000;

function* linesOf(recording: Uint8Array): Generator<string> {
  let rest = '';
  for (const { event } of new RecordingStreamDecoder().push(recording)) {
    if (event.kind !== 'output') continue;
    const lines = (rest + Buffer.from(event.bytes).toString('latin1')).split('\r\n');
    rest = lines.pop() ?? '';
    // What the shell says before the output begins ends in a return of its own.
    for (const line of lines) yield line.slice(line.lastIndexOf('\r') + 1);
  }
}

test('a browser that takes no output for a minute is told so, its session goes on, and nothing is lost of it', async () => {
  const targetId = await site.machineOn(sshd, { name: 'flooding-machine' });
  await using window = await seatOf(browser, site.admin);
  const session = await openMachine(window, targetId);
  await session.ready();
  const { sessionId } = session;
  network.jam();
  await session.type(`seq ${LINES}; echo all-$((20+2))-printed`);
  const told = session.end.getByRole('heading', { name: 'This browser took no output for a minute' });
  await told.waitFor({ timeout: WAIT_MS });
  await session.end.getByText('The session goes on. Connect again to see it.').waitFor();
  assert.equal(await session.end.getByRole('link', { name: 'Open again' }).count(), 0);
  const { api } = site.admin;
  const record = () => api.getSession({ params: { id: sessionId } });
  await eventually('the session to wait for its person', async () => (await record()).state === 'grace');

  await session.end.getByRole('link', { name: 'Connect again' }).click();
  await session.connected();
  assert.equal(session.sessionId, sessionId);
  await session.shows('all-22-printed');
  await session.run('true', 'usable-again');
  await session.type('exit');
  await session.end.getByRole('heading', { name: 'The machine closed the session' }).waitFor();

  const response = await api.streamRecording({ params: { id: await completeRecording(site.admin) }, query: {} });
  let next = 1;
  for (const line of linesOf(new Uint8Array(await response.arrayBuffer()))) if (line === String(next)) next += 1;
  assert.equal(next, LINES + 1, 'the recording holds every line in order');
});
