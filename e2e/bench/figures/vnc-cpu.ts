import { setTimeout as sleep } from 'node:timers/promises';
import { greeting } from '../../product/index.ts';
import { startSite, BarePipe, Workplace } from '../bench-site.ts';
import { desktopOf, keepAsking, LOADS, SIZE, startDesktop } from '../desktop-viewing.ts';
import type { Experiment, FigureId, Measured } from '../figure.ts';
import { cpuSeconds, median } from '../measure.ts';

const LOOK_MS = 20_000;
const SETTLE_MS = 1_500;
const ROUNDS = 5;
const FIGURE_OF = { scroll: 'vnc-scroll-cpu-vs-pump', paint: 'vnc-paint-cpu-vs-pump' } as const satisfies Record<
  keyof typeof LOADS,
  FigureId
>;

interface Look {
  readonly cpu: number;
  readonly bytes: number;
}

async function looked(pid: number, received: () => number): Promise<Look> {
  await sleep(SETTLE_MS);
  const [cpu, bytes] = [await cpuSeconds(pid), received()];
  await sleep(LOOK_MS);
  return { cpu: (await cpuSeconds(pid)) - cpu, bytes: received() - bytes };
}

export const vncCpu: Experiment = {
  figures: [FIGURE_OF.scroll, FIGURE_OF.paint],
  async run(wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const desktop = owned.use(await startDesktop());
    const site = owned.use(await startSite(place));
    const targetId = await desktopOf(site, desktop);
    const pump = owned.use(await BarePipe.start(place, { ...desktop, username: '', password: '' }, 'bare-tcp-pipe.ts'));

    const byProduct = async (): Promise<Look> => {
      await using shell = await site.admin.open(targetId);
      shell.onBytes = () => undefined;
      shell.data.send(greeting(SIZE));
      using _asking = keepAsking((bytes) => shell.data.send(bytes));
      return await looked(site.gateway.pid, () => shell.received);
    };
    const byPump = async (): Promise<Look> => {
      const socket = await pump.connect();
      let received = 0;
      socket.on('message', (bytes: Buffer) => (received += bytes.length));
      socket.send(greeting(SIZE));
      using _asking = keepAsking((bytes) => socket.send(bytes));
      try {
        return await looked(pump.pid, () => received);
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
        const [mine, theirs] = [await byProduct(), await byPump()];
        const shown = ({ cpu, bytes }: Look): string => `${cpu.toFixed(2)} s for ${(bytes / 1e6).toFixed(1)} MB`;
        say(`${load}, ${round < 0 ? 'warm-up' : `round ${round + 1}`}: product ${shown(mine)}, pump ${shown(theirs)}`);
        if (round < 0) continue;
        ours.push(mine);
        other.push(theirs);
      }
      program.kill('SIGKILL');
      const seconds = (looks: readonly Look[]): number[] => looks.map(({ cpu }) => cpu);
      found.push({
        id: FIGURE_OF[load],
        value: median(seconds(ours)) / median(seconds(other)),
        how: `CPU seconds of the whole process in ${LOOK_MS / 1_000} s of one desktop of ${SIZE.width} × ${SIZE.height} in Tight, TLS, strict recording, against a bare TCP to ws pump with TLS; both ask for pictures 30 times a second; by turns, ratio of the medians of ${ROUNDS} after a warm-up`,
        samples: { ours, other },
      });
    }
    return found;
  },
};
