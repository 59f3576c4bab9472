import { setTimeout as sleep } from 'node:timers/promises';
import { Guacd } from '@enchilada/core/testing/servers/guacd';
import { createWebSocketStream } from 'ws';
import { Site } from '../../tests/site.ts';
import { BarePipe, configOf, Workplace } from '../bench-site.ts';
import { LOADS, SIZE, startDesktop } from '../desktop-viewing.ts';
import type { Experiment } from '../figure.ts';
import { instruction, Instructions, viewByGuacd } from '../guacd/guacamole-client.ts';
import { cpuOfTree, cpuSeconds, median, roundsOf } from '../measure.ts';

const LOOK_MS = 20_000;
const SETTLE_MS = 3_000;
const ROUNDS = roundsOf(5);
const ADDED = 'guacd-tunnel-cpu-added';

/** CPU seconds of who carries and of guacd with its connection, and bytes that arrived. */
interface Spent {
  readonly carrier: number;
  readonly guacd: number;
  readonly bytes: number;
}

const shown = ({ carrier, guacd, bytes }: Spent): string =>
  `${carrier.toFixed(2)} s beside guacd's ${guacd.toFixed(2)} s, ${(bytes / 1e6).toFixed(1)} MB`;

const added = (looks: readonly Spent[]): number =>
  (100 * median(looks.map(({ carrier }) => carrier))) / median(looks.map(({ guacd }) => guacd));

export const guacdTunnelCpu: Experiment = {
  figures: [ADDED],
  async run(_wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const desktop = owned.use(await startDesktop());
    const guacd = owned.use(await Guacd.start({ say }));
    const own = `guacd: { servers: "tcp://${guacd.host}:${guacd.port}", allowVulnerable: true }\n`;
    const site = owned.use(await Site.start({ config: configOf(place) + own }));
    const { id: credentialId } = await site.admin.api.createCredential({
      body: { name: 'desktop', kind: 'password', username: '', secret: 'unused' },
    });
    const { host, port } = desktop;
    const targetId = await site.machine({
      protocol: 'guacd',
      host,
      port,
      credentialId,
      parameters: { protocol: 'vnc' },
    });
    const program = LOADS.scroll(desktop);

    const pump = owned.use(
      await BarePipe.start(
        place,
        { host: guacd.host, port: guacd.port, username: '', password: '' },
        'bare-tcp-pipe.ts',
      ),
    );

    const byProduct = async (): Promise<Spent> => {
      await using viewer = await site.admin.open(targetId);
      const instructions = new Instructions();
      const hear = (text: string): void => {
        for (const [opcode, stamp = '0'] of instructions.push(text))
          if (opcode === 'sync') viewer.type(instruction('sync', stamp));
      };
      // What came before there was a listener is part of the stream.
      hear(viewer.text);
      viewer.onBytes = (bytes) => hear(bytes.toString('utf8'));
      return await spentIn(site.gateway.pid, () => viewer.received);
    };
    const byPump = async (): Promise<Spent> => {
      const parameters = { hostname: host, port: String(port) };
      const viewer = viewByGuacd(createWebSocketStream(await pump.connect()), { protocol: 'vnc', parameters, ...SIZE });
      const ended = viewer.ended.catch(() => undefined);
      try {
        await viewer.drawn;
        return await spentIn(pump.pid, () => viewer.received.bytes);
      } finally {
        viewer.close();
        await ended;
      }
    };
    const spentIn = async (pid: number, received: () => number): Promise<Spent> => {
      await sleep(SETTLE_MS);
      const look = async () => [await cpuSeconds(pid), await cpuOfTree(guacd.pid), received()] as const;
      const before = await look();
      await sleep(LOOK_MS);
      const after = await look();
      return { carrier: after[0] - before[0], guacd: after[1] - before[1], bytes: after[2] - before[2] };
    };

    const [ours, bare]: [Spent[], Spent[]] = [[], []];
    for (let round = -1; round < ROUNDS; round += 1) {
      const [mine, theirs] = [await byProduct(), await byPump()];
      say(`${round < 0 ? 'warm-up' : `round ${round + 1}`}: product ${shown(mine)}; bare pump ${shown(theirs)}`);
      if (round < 0) continue;
      ours.push(mine);
      bare.push(theirs);
    }
    program.kill('SIGKILL');
    return [
      {
        id: ADDED,
        value: added(ours),
        how: `CPU seconds of the gateway's whole process in ${LOOK_MS / 1_000} s of one scrolling desktop of ${SIZE.width} × ${SIZE.height} by way of guacd 1.3.0, TLS, strict recording, over those of guacd and its connection in the same seconds; ratio of the medians of ${ROUNDS} after a warm-up; a bare TCP to ws pump with TLS, without recording, adds ${added(bare).toFixed(1)} %, by turns`,
        samples: { ours, bare },
      },
    ];
  },
};
