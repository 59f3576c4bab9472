import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import type { Site } from '../../tests/site.ts';
import { BarePipe, startSite, startTarget, Workplace } from '../bench-site.ts';
import type { Recording } from '../bench-site.ts';
import type { Experiment, FigureId, Measured } from '../figure.ts';
import { runByGuacd } from '../guacd/guacamole-client.ts';
import { Guacd } from '@enchilada/core/testing/servers/guacd';
import { cpuOfFamily, cpuSeconds, median, within } from '../measure.ts';
import { variedLog } from '../varied-log.ts';

const BYTES = 20_000_000;
const ROUNDS = 5;
const WARM_UPS = 2;
const LIMIT_MS = 60_000;
/** The echo of the command does not hold the word that its output ends with. */
const END = 'END-OF-LOG';
const PRINT_END = "printf 'END-%s\\n' OF-LOG";

interface Side {
  readonly name: string;
  run(): Promise<number>;
}

/** Resolves once the stream has ended with the word; looks at the last bytes only. */
export function ends(onBytes: (listener: (bytes: Buffer) => void) => void): Promise<void> {
  return new Promise((resolve) => {
    let tail = '';
    onBytes((bytes) => {
      tail = (tail + bytes.subarray(Math.max(0, bytes.length - 1024)).toString('latin1')).slice(-1024);
      if (tail.includes(END)) resolve();
    });
  });
}

/** What the process spends between the command and a moment after its last word, so that work put off counts too. */
export async function spent(pid: number, start: () => void, end: Promise<void>): Promise<number> {
  const before = await cpuSeconds(pid);
  start();
  await within(LIMIT_MS, 'the output', end);
  await sleep(300);
  return (await cpuSeconds(pid)) - before;
}

export async function bySite(site: Site, targetId: string, command: string): Promise<number> {
  await using shell = await site.admin.open(targetId);
  await shell.see('$ ');
  const end = ends((listener) => (shell.onBytes = listener));
  return await spent(site.gateway.pid, () => shell.type(`${command}\r`), end);
}

async function byPipe(pipe: BarePipe, command: string): Promise<number> {
  const socket: WebSocket = await pipe.connect();
  let seen = '';
  await within(
    LIMIT_MS,
    'the prompt',
    new Promise<void>((resolve) =>
      socket.on('message', (bytes: Buffer) => {
        seen += bytes.toString('latin1');
        if (seen.includes('$ ')) resolve();
      }),
    ),
  );
  socket.removeAllListeners('message');
  const end = ends((listener) => socket.on('message', listener));
  const seconds = await spent(pipe.pid, () => socket.send(`${command}\r`), end);
  socket.close();
  return seconds;
}

const [VS_PIPE, VS_PIPE_RECORDED, VS_GUACD] = [
  'ssh-output-cpu-vs-pipe',
  'ssh-output-cpu-vs-pipe-recorded',
  'ssh-output-cpu-vs-guacd',
] as const;

interface Setting {
  readonly place: Workplace;
  readonly sshd: Sshd;
  readonly command: string;
}

async function sideOf(recording: Recording, owned: AsyncDisposableStack, on: Setting): Promise<Side> {
  const profile = process.env['BENCH_PROFILE'];
  const site = owned.use(await startSite(on.place, recording, profile));
  const targetId = await site.machineOn(on.sshd);
  return { name: recording, run: () => bySite(site, targetId, on.command) };
}

async function arrange(owned: AsyncDisposableStack): Promise<Setting> {
  const place = owned.use(await Workplace.make());
  const sshd = owned.use(await startTarget());
  const log = await place.file('varied.log', variedLog(BYTES));
  return { place, sshd, command: `cat ${log}; ${PRINT_END}` };
}

/** Runs the sides by turns. Everything that Node runs is compiled in the warm-up rounds; what is compiled already needs none. */
async function byTurns(
  sides: readonly Side[],
  compiled: readonly Side[],
  say: (words: string) => void,
): Promise<Record<string, number[]>> {
  for (let round = 0; round < WARM_UPS; round += 1)
    for (const side of sides) say(`warm-up, ${side.name}: ${(await side.run()).toFixed(2)} s`);
  const all = [...sides, ...compiled];
  const samples: Record<string, number[]> = Object.fromEntries(all.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const side of all) samples[side.name]?.push(Number((await side.run()).toFixed(2)));
    say(`round ${round + 1} of ${ROUNDS}: ${all.map(({ name }) => `${name} ${samples[name]?.at(-1)} s`).join(', ')}`);
  }
  return samples;
}

function ratioOf(
  id: FigureId,
  samples: Readonly<Record<string, number[]>>,
  [ours, other, whatOther]: readonly [Recording, string, string],
): Measured {
  const [mine = [], theirs = []] = [samples[ours], samples[other]];
  const how = `CPU seconds of the whole process for a 20 MB varied log by cat on a real sshd, TLS, recording ${ours}, against ${whatOther}; interleaved, ratio of the medians of ${ROUNDS} after ${WARM_UPS} warm-up rounds`;
  return { id, value: median(mine) / median(theirs), how, samples: { ours: mine, other: theirs } };
}

const A_PIPE = 'a bare ssh2 to ws pipe with TLS';

export const outputVersusPipe: Experiment = {
  figures: [VS_PIPE, VS_PIPE_RECORDED],
  async run(wanted, say) {
    await using owned = new AsyncDisposableStack();
    const setting = await arrange(owned);
    const sides: Side[] = [];
    if (wanted.has(VS_PIPE)) sides.push(await sideOf('off', owned, setting));
    if (wanted.has(VS_PIPE_RECORDED)) sides.push(await sideOf('strict', owned, setting));
    const pipe = owned.use(await BarePipe.start(setting.place, setting.sshd));
    sides.push({ name: 'pipe', run: () => byPipe(pipe, setting.command) });
    const samples = await byTurns(sides, [], say);
    const found: Measured[] = [];
    if (wanted.has(VS_PIPE)) found.push(ratioOf(VS_PIPE, samples, ['off', 'pipe', A_PIPE]));
    if (wanted.has(VS_PIPE_RECORDED)) found.push(ratioOf(VS_PIPE_RECORDED, samples, ['strict', 'pipe', A_PIPE]));
    return found;
  },
};

export const outputVersusGuacd: Experiment = {
  figures: [VS_GUACD],
  async run(_wanted, say) {
    await using owned = new AsyncDisposableStack();
    const setting = await arrange(owned);
    const guacd = owned.use(await Guacd.start({ say }));
    const site = await sideOf('strict', owned, setting);
    const drawing = (): Promise<unknown> =>
      within(LIMIT_MS * 2, 'the drawing', runByGuacd(guacd.port, setting.sshd, setting.command));
    const other: Side = { name: 'guacd', run: () => cpuOfFamily(guacd.pid, drawing()) };
    const samples = await byTurns([site], [other], say);
    return [ratioOf(VS_GUACD, samples, ['strict', 'guacd', 'guacd 1.3.0 (its connection included)'])];
  },
};
