import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RecordingStreamDecoder } from '@enchilada/contract';
import type { RecordingEvent } from '@enchilada/core/recording';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import { RdpViewer } from '@enchilada/core/testing/viewers/rdp-viewer';
import { until } from '@enchilada/core/testing/until';
import { firstPicture, Person, type Shell } from '../product/index.ts';
import { Site } from './site.ts';

/** Never on any screen: the keys go to a desktop on which nothing listens. */
const SECRET = 'zebra-quartz-0451';
/** Scan codes of set 1 of `zebraquartz`. */
const SECRET_CODES = [0x2c, 0x12, 0x30, 0x13, 0x1e, 0x10, 0x16, 0x1e, 0x13, 0x14, 0x2c];

const owned = new AsyncDisposableStack();
const AUDITOR = { username: 'nora', password: 'a phrase for reading along 3' };
let site: Site;
let auditor: Person;
before(async () => {
  site = owned.use(await Site.start({ config: 'recording: { desktopInput: keys }\n' }));
  await site.admin.api.createUser({ body: { ...AUDITOR, displayName: '', role: 'auditor' } });
  auditor = await Person.signIn(site.gateway.url, AUDITOR);
});
after(() => owned.disposeAsync());

async function credential(username: string, secret: string): Promise<string> {
  const name = `desktop ${performance.now()}`;
  return (await site.admin.api.createCredential({ body: { name, kind: 'password', username, secret } })).id;
}

async function ended(shell: Shell): Promise<string> {
  shell.say({ type: 'end' });
  await shell.ended();
  const { api } = site.admin;
  return until(async () => {
    const found = await api.getSession({ params: { id: shell.sessionId } });
    return found.state === 'ended' ? found.recordingId : undefined;
  }, 'the recording');
}

async function eventsOf(
  recordingId: string,
): Promise<{ readonly events: readonly RecordingEvent[]; readonly raw: Buffer }> {
  const { api } = site.admin;
  const response = await api.streamRecording({ params: { id: recordingId }, query: {} });
  const raw = Buffer.from(await response.arrayBuffer());
  return { raw, events: [...new RecordingStreamDecoder().push(raw)].map(({ event }) => event) };
}

/** KeyEvent of RFC 6143 section 7.5.4. */
function keyEvent(keysym: number, isDown: boolean): Buffer {
  const message = Buffer.from([4, isDown ? 1 : 0, 0, 0, 0, 0, 0, 0]);
  message.writeUInt32BE(keysym, 4);
  return message;
}

async function proved(recordingId: string, unlike: readonly Buffer[]): Promise<void> {
  const { api } = site.admin;
  const { events, raw } = await eventsOf(recordingId);
  assert.ok(events.some(({ kind }) => kind === 'pointer'));
  assert.ok(!events.some(({ kind }) => kind === 'sealed-keys' || kind === 'input'));
  const exported = await api.exportRecording({ params: { id: recordingId }, query: { format: 'events' } });
  for (const bytes of [raw, Buffer.from(await exported.arrayBuffer())])
    for (const canary of unlike) assert.equal(bytes.indexOf(canary), -1);
  await until(
    async () => (await api.verifyRecording({ params: { id: recordingId } })).code === 0,
    'the recording to verify',
  );
  assert.equal((await auditor.api.getRecording({ params: { id: recordingId } })).policy.desktopInput, 'keys');
  await assert.rejects(auditor.api.listKeyStrokes({ params: { id: recordingId } }), /recording\.keys/u);
  const { items } = await api.listAudit({ query: { action: 'recording.keys-viewed', limit: 10 } });
  assert.equal(items.filter(({ object }) => object?.id === recordingId && object.kind === 'recording').length, 1);
}

describe('what is typed on a desktop', () => {
  it('is in no stream of a VNC session’s recording, and comes to who may read it', async () => {
    await using server = await startXvnc({ securityTypes: 'VncAuth' });
    const { host, port, password } = server;
    const targetId = await site.machine({
      ...{ protocol: 'vnc', host, port, credentialId: await credential('', password) },
      parameters: { allowCleartext: true },
    });
    await using shell = await site.admin.open(targetId);
    await firstPicture(shell, { width: 1024, height: 768 });
    for (const letter of SECRET)
      for (const isDown of [true, false]) shell.data.send(keyEvent(letter.charCodeAt(0), isDown));
    shell.data.send(Buffer.from([5, 1, 0, 100, 0, 120]));
    // Answered behind the keys, by the same connection.
    shell.data.send(Buffer.from([3, 0, 0, 0, 0, 0, 0, 1, 0, 1]));
    const before = shell.received;
    await shell.until(() => shell.received > before, 'the picture behind the keys');
    const recordingId = await ended(shell);
    const { items } = await site.admin.api.listKeyStrokes({ params: { id: recordingId } });
    const typed = items.flatMap(({ value, isDown }) => (isDown ? [String.fromCharCode(value)] : []));
    assert.equal(typed.join(''), SECRET);
    await proved(recordingId, [
      Buffer.from(SECRET),
      Buffer.concat([...SECRET].map((letter) => keyEvent(letter.charCodeAt(0), true))),
    ]);
  });

  it('is in no stream of an RDP session’s recording, and comes to who may read it', async () => {
    await using server = await startXrdp();
    const { host, port, username, password } = server;
    const targetId = await site.machine({
      protocol: 'rdp',
      host,
      port,
      credentialId: await credential(username, password),
    });
    await using shell = await site.admin.open(targetId);
    await shell.live();
    const viewer = new RdpViewer({ channels: ['drdynvc', 'cliprdr'], send: (bytes) => shell.data.send(bytes) });
    shell.onBytes = (bytes) => {
      viewer.push(bytes);
    };
    viewer.greet();
    await shell.until(() => viewer.isActive && viewer.updates > 0, 'a picture');
    // A PDU holds fifteen events.
    const parts = [SECRET_CODES.slice(0, 6), SECRET_CODES.slice(6)].map((codes) => viewer.keys(...codes));
    for (const part of parts) shell.data.send(part);
    shell.data.send(viewer.pointer(100, 120));
    const seen = viewer.updates;
    shell.data.send(viewer.refresh());
    await shell.until(() => viewer.updates > seen, 'the picture behind the keys');
    const recordingId = await ended(shell);
    const { items } = await site.admin.api.listKeyStrokes({ params: { id: recordingId } });
    const typed = items.flatMap(({ value, isDown }) => (isDown ? [value] : []));
    assert.deepEqual(typed, SECRET_CODES);
    await proved(recordingId, [...parts.map((part) => part.subarray(2)), Buffer.from(SECRET_CODES)]);
  });
});
