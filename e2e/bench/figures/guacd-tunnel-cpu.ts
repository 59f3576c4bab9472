import { setTimeout as sleep } from 'node:timers/promises';
import { Guacd } from '@enchilada/core/testing/servers/guacd';
import { Site } from '../../tests/site.ts';
import { configOf, Workplace } from '../bench-site.ts';
import { LOADS, SIZE, startDesktop } from '../desktop-viewing.ts';
import type { Experiment } from '../figure.ts';
import { instruction, Instructions } from '../guacd/guacamole-client.ts';
import { cpuOfTree, cpuSeconds, median } from '../measure.ts';

const LOOK_MS = 20_000;
const SETTLE_MS = 3_000;
const ROUNDS = 5;
const ADDED = 'guacd-tunnel-cpu-added';

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

    const samples: { readonly ours: number; readonly guacd: number; readonly bytes: number }[] = [];
    for (let round = -1; round < ROUNDS; round += 1) {
      await using viewer = await site.admin.open(targetId);
      const instructions = new Instructions();
      const hear = (text: string): void => {
        for (const [opcode, stamp = '0'] of instructions.push(text))
          if (opcode === 'sync') viewer.type(instruction('sync', stamp));
      };
      // What came before there was a listener is part of the stream.
      hear(viewer.text);
      viewer.onBytes = (bytes) => hear(bytes.toString('utf8'));
      await sleep(SETTLE_MS);
      const before = [await cpuSeconds(site.gateway.pid), await cpuOfTree(guacd.pid), viewer.received] as const;
      await sleep(LOOK_MS);
      const after = [await cpuSeconds(site.gateway.pid), await cpuOfTree(guacd.pid), viewer.received] as const;
      const spent = { ours: after[0] - before[0], guacd: after[1] - before[1], bytes: after[2] - before[2] };
      const shown = `product ${spent.ours.toFixed(2)} s, guacd ${spent.guacd.toFixed(2)} s, ${(spent.bytes / 1e6).toFixed(1)} MB`;
      say(`${round < 0 ? 'warm-up' : `round ${round + 1}`}: ${shown}`);
      if (round >= 0) samples.push(spent);
    }
    program.kill('SIGKILL');
    return [
      {
        id: ADDED,
        value: (100 * median(samples.map(({ ours }) => ours))) / median(samples.map((sample) => sample.guacd)),
        how: `CPU seconds of the gateway's whole process in ${LOOK_MS / 1_000} s of one scrolling desktop of ${SIZE.width} × ${SIZE.height} by way of guacd 1.3.0, TLS, strict recording, over those of guacd and its connection in the same seconds; ratio of the medians of ${ROUNDS} after a warm-up`,
        samples: { spent: samples },
      },
    ];
  },
};
