import { startRdpShadow } from '@enchilada/core/testing/servers/rdp-shadow';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { DesktopPage, until } from '../../browser/desktop-page.ts';
import { seatOf } from '../../browser/seat.ts';
import { Chromium } from '../../fixtures/chromium.ts';
import { stretchRecording } from '../../fixtures/stretched-recording.ts';
import { Site } from '../../tests/site.ts';
import { halfAnHour, type Workstation } from '../desktop-work.ts';
import type { Experiment, FigureId, Measured } from '../figure.ts';
import { rounded } from '../measure.ts';

const MINUTES = 30;
const SEEKS = 20;
const SIZES = { small: { width: 900, height: 700 }, large: { width: 1024, height: 768 } };

interface Server extends Workstation, AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** Of a desktop that does not take the browser's size. */
  resize?(width: number, height: number): Promise<void>;
}

interface Kind {
  readonly words: string;
  readonly start: () => Promise<Server>;
}

const KINDS: Partial<Record<FigureId, Kind>> = {
  'rdp-seek-nla-s': { words: 'FreeRDP with network level authentication', start: startRdpShadow },
  'rdp-seek-xrdp-share': { words: 'xrdp', start: () => startXrdp({ backend: 'xorg' }) },
};

async function recordWork(site: Site, browser: Chromium, kind: Kind): Promise<string> {
  await using server = await kind.start();
  const { host, port, username } = server;
  const { id: credentialId } = await site.admin.api.createCredential({
    body: { name: `desktop ${port}`, kind: 'password', username, secret: server.password },
  });
  const target = await site.machine({ protocol: 'rdp', host, port, credentialId });
  await using own = await seatOf(browser, site.admin, { size: SIZES.large });
  const live = await new DesktopPage(await own.at(`/s/new?target=${target}`)).connected();
  await halfAnHour(server, async (to) => {
    const before = await live.size();
    const { width, height } = SIZES[to];
    if (server.resize === undefined) await live.page.setViewportSize({ width, height });
    else await server.resize(width, height);
    await until(async () => (await live.size()) !== before, 'the other size');
  });
  const { sessionId } = live;
  await site.admin.api.endSession({ params: { id: sessionId }, body: {} });
  await live.page.getByRole('alert').waitFor();
  let recordingId: string | undefined;
  await until(async () => {
    const found = await site.admin.api.getSession({ params: { id: sessionId } });
    recordingId = found.state === 'ended' ? found.recordingId : undefined;
    return recordingId !== undefined;
  }, 'the recording');
  return recordingId ?? '';
}

interface Seek {
  readonly seconds: number;
  /** Where in the recording, in seconds. */
  readonly to: number;
}

async function seeks(site: Site, browser: Chromium, recordingId: string): Promise<Seek[]> {
  await using own = await seatOf(browser, site.admin, { size: { width: 1280, height: 900 } });
  const page = await own.at(`/r/${recordingId}`);
  const played = new DesktopPage(page, '.player-desktop');
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('Loading', { exact: true }).waitFor({ state: 'detached' });
  const track = await page.getByRole('slider', { name: 'Position' }).boundingBox();
  if (track === null) throw new Error('the player has no time line');
  const samples: Seek[] = [];
  for (let count = 0; count < SEEKS; count += 1) {
    // Back and forth over the whole length, never twice to the same moment.
    const share = ((count * 0.618_034) % 0.97) + 0.02;
    const since = performance.now();
    await page.mouse.click(track.x + track.width * share, track.y + track.height / 2);
    await page.locator('.player-desktop[aria-busy=false]').waitFor();
    samples.push({ seconds: (performance.now() - since) / 1000, to: share * MINUTES * 60 });
    await played.drawn();
  }
  return samples;
}

export const rdpSeek: Experiment = {
  figures: ['rdp-seek-nla-s', 'rdp-seek-xrdp-share'],
  async run(wanted, say) {
    await using owned = new AsyncDisposableStack();
    const site = owned.use(await Site.start());
    const browser = owned.use(await Chromium.launch());
    const found: Measured[] = [];
    for (const id of ['rdp-seek-nla-s', 'rdp-seek-xrdp-share'] as const) {
      const kind = KINDS[id];
      if (kind === undefined || !wanted.has(id)) continue;
      const source = await recordWork(site, browser, kind);
      const recording = await stretchRecording(site, { of: source, minutes: MINUTES });
      const { recording: facts } = await site.admin.api.getRecording({ params: { id: recording.id } });
      say(`${kind.words}: ${recording.chunks} chunks, ${(facts.storedBytes / 1e6).toFixed(1)} MB`);
      const samples = await seeks(site, browser, recording.id);
      const seconds = samples.map((sample) => sample.seconds);
      say(`${kind.words}: ${seconds.map((each) => each.toFixed(2)).join(', ')} s`);
      found.push({
        id,
        value: Math.max(...(id === 'rdp-seek-nla-s' ? seconds : samples.map((one) => one.seconds / one.to))),
        how: `a click on the time line of a recording of ${MINUTES} minutes of ${kind.words} (windows moved, text typed and scrolled, two resizes: e2e/bench/desktop-work.ts, with pauses that fill the time) to the moment at which Chromium shows that picture; the slowest of ${SEEKS} all over it`,
        samples: {
          ours: rounded(seconds, 2),
          to: rounded(
            samples.map(({ to }) => to),
            0,
          ),
          storedBytes: facts.storedBytes,
        },
      });
    }
    return found;
  },
};
