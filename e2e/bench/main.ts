import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import { FIGURES, judge, tableOf, unmeasured } from './figure.ts';
import type { Circumstances, Experiment, Figure, FigureId } from './figure.ts';
import { accessReport } from './figures/access-report.ts';
import { rdpVersusGuacd, vncVersusGuacd } from './figures/desktop-vs-guacd.ts';
import { catalogSearch } from './figures/catalog-search.ts';
import { echo } from './figures/echo.ts';
import { eventToVisible } from './figures/event-to-visible.ts';
import { eventsPerSecond } from './figures/events-per-second.ts';
import { guacdTunnelCpu } from './figures/guacd-tunnel-cpu.ts';
import { idle } from './figures/idle.ts';
import { open } from './figures/open.ts';
import { outputVersusGuacd, outputVersusPipe } from './figures/output-cpu.ts';
import { watchMachine } from './machine-state.ts';
import { machinesPage } from './figures/machines-page.ts';
import { stalled } from './figures/stalled.ts';
import { policyDecision } from './figures/policy-decision.ts';
import { playerSeek } from './figures/player-seek.ts';
import { rdpFirstPicture } from './figures/rdp-first-picture.ts';
import { reconcile } from './figures/reconcile.ts';
import { rdpSeek } from './figures/rdp-seek.ts';
import { revocation } from './figures/revocation.ts';
import { signInCpu } from './figures/sign-in-cpu.ts';
import { start } from './figures/start.ts';
import { sftp } from './figures/sftp.ts';
import { telnetOutputCpu } from './figures/telnet-output-cpu.ts';
import { vncCpu } from './figures/vnc-cpu.ts';
import { vncSessions } from './figures/vnc-sessions.ts';
import { verify } from './figures/verify.ts';
import { visibleTargets } from './figures/visible-targets.ts';

const EXPERIMENTS: readonly Experiment[] = [
  outputVersusPipe,
  outputVersusGuacd,
  telnetOutputCpu,
  sftp,
  echo,
  idle,
  stalled,
  open,
  verify,
  start,
  playerSeek,
  vncSessions,
  vncCpu,
  vncVersusGuacd,
  guacdTunnelCpu,
  rdpVersusGuacd,
  rdpFirstPicture,
  rdpSeek,
  policyDecision,
  visibleTargets,
  accessReport,
  signInCpu,
  revocation,
  catalogSearch,
  machinesPage,
  eventToVisible,
  reconcile,
  eventsPerSecond,
];

const USAGE = `npm run bench -- [--only ID,ID] [--json]

Measures the product on this machine, beside what it is compared with, and prints a table.
  --only ID,ID   only these: ${FIGURES.map(({ id }) => id).join(', ')}
  --json         one JSON line a figure on standard output, with the samples of both sides
The exit code is 0 where every figure holds, else 1.
`;

function isFigureId(id: string): id is FigureId {
  return FIGURES.some((figure) => figure.id === id);
}

/** The commit, with a mark where files differ from it. */
async function commitOf(): Promise<string> {
  const git = async (...words: string[]): Promise<string> =>
    (await promisify(execFile)('git', words, { cwd: import.meta.dirname })).stdout.trim();
  try {
    return (
      (await git('rev-parse', 'HEAD')) +
      ((await git('status', '--porcelain', '--untracked-files=no')) === '' ? '' : '+changes')
    );
  } catch {
    return 'unknown';
  }
}

function options(): { readonly only?: readonly string[]; readonly json: boolean; readonly help: boolean } {
  return parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;
}

async function main(): Promise<number> {
  let values: ReturnType<typeof options>;
  try {
    values = options();
  } catch (cause) {
    process.stderr.write(`bench: ${cause instanceof Error ? cause.message : String(cause)}\n\n${USAGE}`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const named = values.only?.flatMap((list) => list.split(',')) ?? FIGURES.map(({ id }) => id);
  const unknown = named.filter((id) => !isFigureId(id));
  if (unknown.length > 0) {
    process.stderr.write(`bench: no figure is called ${unknown.join(', ')}\n\n${USAGE}`);
    return 2;
  }
  const wanted = new Set(named.filter(isFigureId));
  const commit = await commitOf();
  const say = (words: string): void => void process.stderr.write(`bench: ${words}\n`);
  const figures: Figure[] = [];
  for (const experiment of EXPERIMENTS) {
    const ids = experiment.figures.filter((id) => wanted.has(id));
    if (ids.length === 0) continue;
    const since = Date.now();
    const look = watchMachine();
    say(`${ids.join(', ')} …`);
    const outcome = await experiment.run(new Set(ids), say).catch((cause: unknown) => {
      say(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
      return { cause };
    });
    const circumstances: Circumstances = { commit, machine: look() };
    const found = ids.map((id) => {
      if ('cause' in outcome) return unmeasured(id, outcome.cause, circumstances);
      const one = outcome.find((candidate) => candidate.id === id);
      return one === undefined
        ? unmeasured(id, 'its experiment gave no value', circumstances)
        : judge(one, circumstances);
    });
    say(`… measured in ${((Date.now() - since) / 1000).toFixed(0)} s`);
    if (values.json) for (const figure of found) process.stdout.write(`${JSON.stringify(figure)}\n`);
    figures.push(...found);
  }
  (values.json ? process.stderr : process.stdout).write(`\n${tableOf(figures)}\n`);
  return figures.every(({ pass }) => pass) ? 0 : 1;
}

// Sockets that a broken run left open must not keep it from ending.
process.exit(await main());
