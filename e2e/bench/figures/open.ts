import { connectBare } from '../bare-shell.ts';
import type { BareTarget } from '../bare-shell.ts';
import { startSite, startTarget, Workplace } from '../bench-site.ts';
import type { Experiment } from '../figure.ts';
import { percentile, rounded, within } from '../measure.ts';

const OPENINGS = 60;
const WARM_UP = 5;
const PROMPT = '$ ';

async function byBareClient(target: BareTarget): Promise<number> {
  const since = performance.now();
  const { client, channel } = await connectBare(target);
  let seen = '';
  await within(
    20_000,
    'the prompt',
    new Promise<void>((resolve) =>
      channel.on('data', (bytes: Buffer) => {
        seen += bytes.toString('latin1');
        if (seen.includes(PROMPT)) resolve();
      }),
    ),
  );
  const took = performance.now() - since;
  client.end();
  return took;
}

export const open: Experiment = {
  figures: ['ssh-open-ms'],
  async run() {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const sshd = owned.use(await startTarget());
    const site = owned.use(await startSite(place));
    const targetId = await site.machineOn(sshd);
    const byProduct = async (): Promise<number> => {
      const since = performance.now();
      await using shell = await site.admin.open(targetId);
      await shell.see(PROMPT);
      return performance.now() - since;
    };
    const samples = { ours: [] as number[], other: [] as number[] };
    for (let count = -WARM_UP; count < OPENINGS; count += 1) {
      const [ours, other] = [await byProduct(), await byBareClient(sshd)];
      if (count < 0) continue;
      samples.ours.push(ours);
      samples.other.push(other);
    }
    const p95 = percentile(samples.other, 0.95);
    return [
      {
        id: 'ssh-open-ms',
        value: percentile(samples.ours, 0.95),
        how: `POST /sessions, both sockets, sign-in with a password at a real sshd, to the first byte of the prompt over loopback; TLS, strict recording; 95th percentile of ${OPENINGS}; a bare ssh2 client by turns: ${p95.toFixed(0)} ms`,
        samples: { ours: rounded(samples.ours, 1), other: rounded(samples.other, 1) },
      },
    ];
  },
};
