import { greeting } from '../../product/index.ts';
import { startSite, BarePipe, Workplace } from '../bench-site.ts';
import {
  desktopOf,
  keepAsking,
  LOADS,
  looked,
  lookByProduct,
  LOOK_SECONDS,
  lookShown,
  SIZE,
  startDesktop,
  type Load,
  type Look,
} from '../desktop-viewing.ts';
import type { Experiment, FigureId, Measured } from '../figure.ts';
import { cpuSeconds, median, roundsOf } from '../measure.ts';

const ROUNDS = roundsOf(5);
const FIGURE_OF = { scroll: 'vnc-scroll-cpu-vs-pump', paint: 'vnc-paint-cpu-vs-pump' } as const satisfies Record<
  Load,
  FigureId
>;

export const vncCpu: Experiment = {
  figures: [FIGURE_OF.scroll, FIGURE_OF.paint],
  async run(wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const desktop = owned.use(await startDesktop());
    const site = owned.use(await startSite(place, 'strict', process.env['BENCH_PROFILE']));
    const targetId = await desktopOf(site, desktop);
    const pump = owned.use(await BarePipe.start(place, { ...desktop, username: '', password: '' }, 'bare-tcp-pipe.ts'));

    const byPump = async (): Promise<Look> => {
      const socket = await pump.connect();
      let received = 0;
      socket.on('message', (bytes: Buffer) => (received += bytes.length));
      socket.send(greeting(SIZE));
      using _asking = keepAsking((bytes) => socket.send(bytes));
      try {
        return await looked(
          () => cpuSeconds(pump.pid),
          () => received,
        );
      } finally {
        socket.close();
      }
    };

    const found: Measured[] = [];
    for (const load of ['scroll', 'paint'] as const) {
      if (!wanted.has(FIGURE_OF[load])) continue;
      const program = LOADS[load](desktop);
      const [ours, other]: [Look[], Look[]] = [[], []];
      for (let round = -1; round < ROUNDS; round += 1) {
        const mine = await lookByProduct(site, targetId, () => cpuSeconds(site.gateway.pid));
        const theirs = await byPump();
        const which = round < 0 ? 'warm-up' : `round ${round + 1}`;
        say(`${load}, ${which}: product ${lookShown(mine)}, pump ${lookShown(theirs)}`);
        if (round < 0) continue;
        ours.push(mine);
        other.push(theirs);
      }
      program.kill('SIGKILL');
      const seconds = (looks: readonly Look[]): number[] => looks.map(({ cpu }) => cpu);
      found.push({
        id: FIGURE_OF[load],
        value: median(seconds(ours)) / median(seconds(other)),
        how: `CPU seconds of the whole process in ${LOOK_SECONDS} s of one desktop of ${SIZE.width} × ${SIZE.height} in Tight, TLS, strict recording, against a bare TCP to ws pump with TLS; both ask for pictures 30 times a second; by turns, ratio of the medians of ${ROUNDS} after a warm-up`,
        samples: { ours, other },
      });
    }
    return found;
  },
};
