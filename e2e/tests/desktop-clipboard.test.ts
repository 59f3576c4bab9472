import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { constants, deflateSync } from 'node:zlib';
import { RecordingStreamDecoder } from '@enchilada/contract';
import { until } from '@enchilada/core/testing/until';
import { cutText, picture, ScriptedDesktop, ScriptedView, u32 } from './scripted-desktop.ts';
import { Site } from './site.ts';

const PLAIN = 'zebra-quartz-0451, copied plainly';
const UNICODE = 'otter–granit–0815, copied with its dashes';

const PACKED = deflateSync(Buffer.concat([u32(Buffer.byteLength(UNICODE) + 1), Buffer.from(`${UNICODE}\0`)]), {
  finishFlush: constants.Z_SYNC_FLUSH,
});
/** ServerCutText, and the extended clipboard's form of it. */
const plain = cutText(PLAIN);
const extended = (flags: number, body: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(3, 0, 0, 0), u32(-(4 + body.length)), u32(flags), body]);
const CLIPBOARD = [plain, extended(0x1f00_0001, u32(1_000)), extended(0x1000_0001, PACKED)];
const [FIRST, SECOND, LAST] = [picture(0x11), picture(0x22), picture(0x33)];
const SAID = Buffer.concat([FIRST, plain, SECOND, ...CLIPBOARD.slice(1), LAST]);

const owned = new AsyncDisposableStack();
let site: Site;
let desktop: ScriptedDesktop;

before(async () => {
  site = owned.use(await Site.start());
  desktop = owned.use(await ScriptedDesktop.start(SAID));
});
after(() => owned.disposeAsync());

test('what is copied on a VNC desktop reaches the person, and no stream of the recording', async () => {
  const { api } = site.admin;
  await using view = await ScriptedView.open(site, desktop, { actions: ['connect', 'clipboard-out'] });
  const { shell } = view;
  await view.shows(LAST, 'the last picture');
  const { shown } = view;
  assert.ok(shown.subarray(shown.indexOf(FIRST)).equals(SAID), 'all of it, in its order');
  shell.say({ type: 'end' });
  await shell.ended();

  const { recordingId } = await ended(shell.sessionId);
  const response = await api.streamRecording({ params: { id: recordingId }, query: {} });
  const raw = Buffer.from(await response.arrayBuffer());
  const events = [...new RecordingStreamDecoder().push(raw)].map(({ event }) => event);
  const recorded = Buffer.concat(events.flatMap((event) => (event.kind === 'output' ? [event.bytes] : [])));
  assert.ok(recorded.subarray(recorded.indexOf(FIRST)).equals(Buffer.concat([FIRST, SECOND, LAST])));
  const exported = await api.exportRecording({ params: { id: recordingId }, query: { format: 'events' } });
  for (const bytes of [raw, recorded, Buffer.from(await exported.arrayBuffer())])
    for (const canary of [PLAIN, UNICODE, PACKED, PACKED.toString('base64')]) assert.equal(bytes.indexOf(canary), -1);
  assert.deepEqual(
    events.flatMap((event) => (event.kind === 'clipboard' ? [event] : [])).map(({ sha256 }) => Buffer.from(sha256)),
    [PLAIN, UNICODE].map((text) => createHash('sha256').update(text).digest()),
  );
});

test('what is denied of a VNC clipboard is in the audit log, once for each direction, and its text is not', async () => {
  const { api } = site.admin;
  await using view = await ScriptedView.open(site, desktop, { name: 'a desktop without a clipboard' });
  const { shell, targetId } = view;
  await view.shows(LAST, 'the last picture');
  assert.equal(view.shown.indexOf(PLAIN), -1);
  const pasted = 'otter-basalt-3117, pasted';
  const paste = Uint8Array.from([6, ...cutText(pasted).subarray(1)]);
  for (let times = 0; times < 3; times++) shell.data.send(paste);
  desktop.say(Buffer.concat([plain, picture(0x44)]));
  await view.shows(picture(0x44), 'the picture behind another text');
  assert.equal(view.shown.indexOf(PLAIN), -1);
  const denials = async (): Promise<readonly unknown[]> => {
    const { items } = await api.listAudit({ query: { action: 'clipboard.denied', limit: 50 } });
    assert.ok(!/zebra|otter|granit|basalt/u.test(JSON.stringify(items)));
    return items.map(({ outcome, object, detail }) => [
      outcome,
      object?.id,
      detail?.['sessionId'],
      detail?.['direction'],
    ]);
  };
  await until(async () => (await denials()).length >= 2, 'both denials');
  shell.say({ type: 'end' });
  await shell.ended();
  await ended(shell.sessionId);
  const one = ['denied', targetId, shell.sessionId];
  assert.deepEqual(
    (await denials()).toSorted((a, b) => String(a).localeCompare(String(b))),
    [
      [...one, 'download'],
      [...one, 'upload'],
    ],
  );
});

async function ended(id: string): Promise<{ readonly recordingId: string }> {
  return until(async () => {
    const { state, recordingId } = await site.admin.api.getSession({ params: { id } });
    return state === 'ended' && recordingId !== undefined && { recordingId };
  }, 'the recording');
}
