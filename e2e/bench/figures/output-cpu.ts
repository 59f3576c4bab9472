import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import type { Site } from '../../tests/site.ts';
import { BarePipe, startSite, startTarget, Workplace } from '../bench-site.ts';
import type { Recording } from '../bench-site.ts';
import type { Experiment, Measured } from '../figure.ts';
import { runByGuacd } from '../guacd/guacamole-client.ts';
import { Guacd } from '../guacd/guacd-process.ts';
import { cpuOfFamily, cpuSeconds, median, within } from '../measure.ts';
import { variedLog } from '../varied-log.ts';

const BYTES = 20_000_000;
const ROUNDS = 5;
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

async function sideOf(
  recording: Recording,
  owned: AsyncDisposableStack,
  on: { readonly place: Workplace; readonly sshd: Sshd; readonly command: string },
): Promise<Side> {
  const profile = process.env['BENCH_PROFILE'];
  const site = owned.use(await startSite(on.place, recording, profile));
  const targetId = await site.machineOn(on.sshd);
  return { name: recording, run: () => bySite(site, targetId, on.command) };
}

const [VS_PIPE, VS_PIPE_RECORDED, VS_GUACD] = [
  'ssh-output-cpu-vs-pipe',
  'ssh-output-cpu-vs-pipe-recorded',
  'ssh-output-cpu-vs-guacd',
] as const;

export const outputCpu: Experiment = {
  figures: [VS_PIPE, VS_PIPE_RECORDED, VS_GUACD],
  async run(wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const sshd = owned.use(await startTarget());
    const log = await place.file('varied.log', variedLog(BYTES));
    const command = `cat ${log}; ${PRINT_END}`;
    const on = { place, sshd, command };
    const sides: Side[] = [];
    if (wanted.has(VS_PIPE)) sides.push(await sideOf('off', owned, on));
    if (wanted.has(VS_PIPE_RECORDED) || wanted.has(VS_GUACD)) sides.push(await sideOf('strict', owned, on));
    if (wanted.has(VS_PIPE) || wanted.has(VS_PIPE_RECORDED)) {
      const pipe = owned.use(await BarePipe.start(place, sshd));
      sides.push({ name: 'pipe', run: () => byPipe(pipe, command) });
    }
    // Everything that Node runs is compiled in the first two rounds; guacd is compiled already.
    for (let round = 0; round < 2; round += 1)
      for (const side of sides) say(`warm-up, ${side.name}: ${(await side.run()).toFixed(2)} s`);
    if (wanted.has(VS_GUACD)) {
      const guacd = owned.use(await Guacd.start(say));
      const run = (): Promise<number> =>
        cpuOfFamily(guacd.pid, within(LIMIT_MS * 2, 'the drawing', runByGuacd(guacd.port, sshd, command)));
      sides.push({ name: 'guacd', run });
    }
    const samples: Record<string, number[]> = Object.fromEntries(sides.map(({ name }) => [name, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const side of sides) samples[side.name]?.push(Number((await side.run()).toFixed(2)));
      say(
        `round ${round + 1} of ${ROUNDS}: ${sides.map(({ name }) => `${name} ${samples[name]?.at(-1)} s`).join(', ')}`,
      );
    }
    const figure = (id: Measured['id'], ours: string, other: string): Measured[] => {
      const [mine, theirs] = [samples[ours], samples[other]];
      if (!wanted.has(id) || mine === undefined || theirs === undefined) return [];
      const how = `CPU seconds of the whole process for a 20 MB varied log by cat on a real sshd, TLS, recording ${ours}, against ${other === 'pipe' ? 'a bare ssh2 to ws pipe with TLS' : 'guacd 1.3.0 (its connection included)'}; interleaved, ratio of the medians of ${ROUNDS} after two warm-up rounds`;
      return [{ id, value: median(mine) / median(theirs), how, samples: { ours: mine, other: theirs } }];
    };
    return [
      ...figure(VS_PIPE, 'off', 'pipe'),
      ...figure(VS_PIPE_RECORDED, 'strict', 'pipe'),
      ...figure(VS_GUACD, 'strict', 'guacd'),
    ];
  },
};
