import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RecordingStreamDecoder } from '@enchilada/contract';
import { firstPicture, greeting, type Shell } from '../../product/index.ts';
import type { Site } from '../../tests/site.ts';
import { startSite, Workplace } from '../bench-site.ts';
import { desktopOf, keepAsking, LOADS, SIZE, startDesktop } from '../desktop-viewing.ts';
import type { Experiment, Measured } from '../figure.ts';
import { percentile, residentKib, rounded, settledKib, within } from '../measure.ts';

const IDLE = 50;
const WARM_UP = 10;
const OPENINGS = 60;
const STALLED = 5;
const STALL_MS = 15_000;

async function openLooking(site: Site, targetId: string): Promise<Shell> {
  const shell = await site.admin.open(targetId);
  await firstPicture(shell, SIZE);
  return shell;
}

async function firstPictures(site: Site, targetId: string): Promise<Measured> {
  const samples: number[] = [];
  for (let count = -WARM_UP; count < OPENINGS; count += 1) {
    const since = performance.now();
    const shell = await openLooking(site, targetId);
    if (count >= 0) samples.push(performance.now() - since);
    await shell[Symbol.asyncDispose]();
  }
  return {
    id: 'vnc-first-picture-ms',
    value: percentile(samples, 0.95),
    how: `POST /sessions, both sockets, to the first bytes of the first picture over loopback; TLS, strict recording; 95th percentile of ${OPENINGS}`,
    samples: { ours: rounded(samples, 1) },
  };
}

async function idle(site: Site, targetId: string): Promise<Measured> {
  const { pid } = site.gateway;
  const base = await settledKib(pid, 90_000);
  const shells: Shell[] = [];
  for (let count = 0; count < IDLE; count += 1) shells.push(await openLooking(site, targetId));
  const full = await settledKib(pid, 90_000);
  for (const shell of shells) await shell[Symbol.asyncDispose]();
  return {
    id: 'vnc-idle-kib',
    value: (full - base) / IDLE,
    how: `resident memory of the gateway with ${IDLE} idle sessions on a real desktop after their first picture, less that before them, by the number of sessions; TLS, strict recording`,
    samples: { ours: { baseKib: base, fullKib: full, sessions: IDLE } },
  };
}

/** SHA-256 of what the recording holds of the session's first viewer. */
async function recordedDigest(site: Site, sessionId: string): Promise<{ readonly bytes: number; digest: string }> {
  const { api } = site.admin;
  let recordingId: string | undefined;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const session = await api.getSession({ params: { id: sessionId } });
    recordingId = session.recordingId;
    if (session.state === 'ended' && recordingId !== undefined) break;
    await sleep(50);
  }
  const response = await api.streamRecording({ params: { id: recordingId ?? '' }, query: {} });
  const decoder = new RecordingStreamDecoder();
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    for (const { event } of decoder.push(part)) {
      if (event.kind !== 'output') continue;
      hash.update(event.bytes);
      bytes += event.bytes.length;
    }
  }
  return { bytes, digest: hash.digest('hex') };
}

async function stalled(site: Site, targetId: string): Promise<Measured> {
  const { pid } = site.gateway;
  const lookers = await Promise.all(
    Array.from({ length: STALLED }, async () => {
      const shell = await site.admin.open(targetId);
      const hash = createHash('sha256');
      const seen = { bytes: 0 };
      shell.onBytes = (bytes) => {
        hash.update(bytes);
        seen.bytes += bytes.length;
      };
      shell.data.send(greeting(SIZE));
      return { shell, hash, seen, asking: keepAsking((bytes) => shell.data.send(bytes)) };
    }),
  );
  await sleep(10_000);
  const base = await residentKib(pid);
  for (const { shell } of lookers) shell.data.pause();
  const resident: number[] = [];
  for (const end = Date.now() + STALL_MS; Date.now() < end; await sleep(100)) resident.push(await residentKib(pid));
  for (const { shell, asking } of lookers) {
    asking[Symbol.dispose]();
    shell.data.resume();
  }
  let equal = 0;
  for (const { shell, hash, seen } of lookers) {
    let before = -1;
    while (before !== seen.bytes) {
      before = seen.bytes;
      await sleep(500);
    }
    await shell[Symbol.asyncDispose]();
    const recorded = await within(60_000, 'the recording', recordedDigest(site, shell.sessionId));
    if (recorded.digest === hash.digest('hex')) equal += 1;
  }
  return {
    id: 'desktop-stalled-viewer-mib',
    value: (Math.max(...resident) - base) / 1_024 / STALLED,
    alsoHolds: equal === STALLED,
    how: `${STALLED} viewers of an animated desktop stop reading at once: highest resident memory in ${STALL_MS / 1_000} s less that before, by the number of viewers; then all read on, and in ${equal} of ${STALLED} SHA-256 of shown = recorded; TLS, strict recording`,
    samples: { ours: resident, baseKib: base, equal },
  };
}

export const vncSessions: Experiment = {
  figures: ['vnc-first-picture-ms', 'vnc-idle-kib', 'desktop-stalled-viewer-mib'],
  async run(wanted) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const desktop = owned.use(await startDesktop());
    const site = owned.use(await startSite(place));
    const targetId = await desktopOf(site, desktop);
    const found: Measured[] = [await firstPictures(site, targetId)];
    if (wanted.has('vnc-idle-kib')) found.push(await idle(site, targetId));
    if (wanted.has('desktop-stalled-viewer-mib')) {
      LOADS.paint(desktop);
      found.push(await stalled(site, targetId));
    }
    return found;
  },
};
