import { Guacd } from '@enchilada/core/testing/servers/guacd';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { RdpViewer } from '@enchilada/core/testing/viewers/rdp-viewer';
import type { Site } from '../../tests/site.ts';
import { startSite, Workplace } from '../bench-site.ts';
import {
  desktopOf,
  LOADS,
  looked,
  lookByProduct,
  LOOK_SECONDS,
  lookShown,
  SIZE,
  startDesktop,
  type Drawable,
  type Load,
  type Look,
} from '../desktop-viewing.ts';
import type { Experiment, FigureId, Measured } from '../figure.ts';
import { toGuacd, viewByGuacd, type GuacdParameters } from '../guacd/guacamole-client.ts';
import { cpuOfTree, cpuSeconds, median, roundsOf, within } from '../measure.ts';

const ROUNDS = roundsOf(5);
const OPEN_MS = 30_000;

/** A real machine, how the product shows it, and what guacd is asked for. */
interface Way extends AsyncDisposable {
  readonly words: string;
  readonly protocol: string;
  readonly parameters: GuacdParameters;
  readonly desktop: Drawable;
  look(cpu: () => Promise<number>): Promise<Look>;
}

async function byVnc(site: Site): Promise<Way> {
  const desktop = await startDesktop();
  const targetId = await desktopOf(site, desktop);
  return {
    words: 'Xvnc, in Tight for the product',
    protocol: 'vnc',
    parameters: { hostname: desktop.host, port: String(desktop.port) },
    desktop,
    look: (cpu) => lookByProduct(site, targetId, cpu),
    [Symbol.asyncDispose]: () => desktop[Symbol.asyncDispose](),
  };
}

async function byRdp(site: Site): Promise<Way> {
  const desktop = await startXrdp({ backend: 'xorg' });
  const { host, port, username, password } = desktop;
  const { id: credentialId } = await site.admin.api.createCredential({
    body: { name: `desktop ${port}`, kind: 'password', username, secret: password },
  });
  const targetId = await site.machine({ protocol: 'rdp', host, port, credentialId });
  return {
    words: 'xrdp, in RemoteFX for the product, as IronRDP asks for it, in bitmaps for guacd',
    protocol: 'rdp',
    parameters: { hostname: host, port: String(port), username, password, 'ignore-cert': 'true', security: 'any' },
    desktop,
    async look(cpu) {
      await using shell = await site.admin.open(targetId);
      await shell.live();
      const viewer = new RdpViewer({ ...SIZE, remoteFx: true, send: (bytes) => shell.data.send(bytes) });
      shell.onBytes = (bytes) => viewer.push(bytes);
      viewer.greet();
      await shell.until(() => viewer.isActive && viewer.updates > 0, 'a picture');
      const look = await looked(cpu, () => shell.received);
      if (viewer.frames === 0) throw new Error('xrdp sent no frame in RemoteFX');
      return look;
    },
    [Symbol.asyncDispose]: () => desktop[Symbol.asyncDispose](),
  };
}

async function lookByGuacd(guacd: Guacd, { protocol, parameters }: Way): Promise<Look> {
  const viewer = viewByGuacd(toGuacd(guacd.port), { protocol, parameters, ...SIZE });
  const ended = viewer.ended.catch(() => undefined);
  try {
    await within(OPEN_MS, 'the first picture by guacd', viewer.drawn);
    return await looked(
      () => cpuOfTree(guacd.pid),
      () => viewer.received.bytes,
    );
  } finally {
    viewer.close();
    await ended;
  }
}

function experiment(start: (site: Site) => Promise<Way>, figureOf: Readonly<Record<Load, FigureId>>): Experiment {
  return {
    figures: Object.values(figureOf),
    async run(wanted, say) {
      await using owned = new AsyncDisposableStack();
      const place = owned.use(await Workplace.make());
      const site = owned.use(await startSite(place, 'strict', process.env['BENCH_PROFILE']));
      const guacd = owned.use(await Guacd.start({ say }));
      const way = owned.use(await start(site));
      const found: Measured[] = [];
      for (const load of ['scroll', 'paint'] as const) {
        if (!wanted.has(figureOf[load])) continue;
        const program = LOADS[load](way.desktop);
        const [ours, other]: [Look[], Look[]] = [[], []];
        for (let round = -1; round < ROUNDS; round += 1) {
          const mine = await way.look(() => cpuSeconds(site.gateway.pid));
          const theirs = await lookByGuacd(guacd, way);
          const which = round < 0 ? 'warm-up' : `round ${round + 1}`;
          say(`${way.protocol}, ${load}, ${which}: product ${lookShown(mine)}, guacd ${lookShown(theirs)}`);
          if (round < 0) continue;
          ours.push(mine);
          other.push(theirs);
        }
        program.kill('SIGKILL');
        found.push({
          id: figureOf[load],
          value: median(ours.map(({ cpu }) => cpu)) / median(other.map(({ cpu }) => cpu)),
          how: `CPU seconds in ${LOOK_SECONDS} s of one desktop of ${SIZE.width} × ${SIZE.height} on ${way.words}: the whole process of the gateway with TLS and strict recording, against guacd 1.3.0 with its connection, without recording; by turns, ratio of the medians of ${ROUNDS} after a warm-up`,
          samples: { ours, other },
        });
      }
      return found;
    },
  };
}

export const vncVersusGuacd = experiment(byVnc, {
  scroll: 'vnc-scroll-cpu-vs-guacd',
  paint: 'vnc-paint-cpu-vs-guacd',
});

export const rdpVersusGuacd = experiment(byRdp, {
  scroll: 'rdp-scroll-cpu-vs-guacd',
  paint: 'rdp-paint-cpu-vs-guacd',
});
