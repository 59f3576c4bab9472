import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RecordingStreamDecoder } from '@enchilada/contract';
import { startTelnetd, type Telnetd } from '@enchilada/core/testing/servers/telnetd';
import { until } from '@enchilada/core/testing/until';
import { Site } from './site.ts';

const owned = new AsyncDisposableStack();
let telnetd: Telnetd;

before(async () => {
  telnetd = owned.use(await startTelnetd());
});
after(() => owned.disposeAsync());

async function machine(site: Site): Promise<string> {
  const { id } = await site.admin.api.createCredential({
    body: { name: 'telnet', kind: 'password', username: telnetd.username, secret: telnetd.password },
  });
  return site.machine({ protocol: 'telnet', host: telnetd.host, port: telnetd.port, credentialId: id });
}

test('a protocol without encryption is refused unless the configuration allows it', async () => {
  await using site = await Site.start();
  const shell = await site.admin.open(await machine(site));
  assert.equal((await shell.ended()).fault?.code, 'TARGET_CLEARTEXT_REFUSED');
  await shell.leave();
  assert.equal(telnetd.connections(), 0);
});

test('a telnet session is opened, used, resumed, recorded and verified, and its password is nowhere', async () => {
  await using site = await Site.start({ environment: { ENCHILADA_EGRESS_ALLOW_CLEARTEXT: 'true' } });
  const { api } = site.admin;
  const targetId = await machine(site);
  const engines = await api.listEngines();
  assert.equal(engines.items.find(({ id }) => id === 'telnet')?.cleartext, true);
  assert.equal((await api.listMachines({ query: {} })).items.find(({ id }) => id === targetId)?.cleartext, true);

  const first = await site.admin.open(targetId, { columns: 101, rows: 31 });
  await first.live();
  await first.until(
    () => first.frames.some((frame) => frame.type === 'facts' && frame.facts['encryption'] === 'none'),
    'the word that the way is not encrypted',
  );
  first.type('stty size; echo in-$((40+2))-out\r');
  await first.see('in-42-out');
  await first.see('31 101');
  await first.leave();

  await using second = await site.admin.join(first.sessionId, 'control');
  await second.see('in-42-out');
  second.type('exit\r');
  assert.equal((await second.ended()).reason, 'closed-by-target');

  const recordingId = await until(async () => {
    const found = await api.getSession({ params: { id: first.sessionId } });
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
  const audit = await api.listAudit({ query: { limit: 200 } });
  assert.match(
    JSON.stringify(audit.items.filter(({ action }) => action === 'weakening.enabled')),
    /egress\.allowCleartext/u,
  );
  for (const where of [recorded, JSON.stringify(audit), JSON.stringify(first.frames), first.text])
    assert.ok(!where.includes(telnetd.password));
});
