import { isDisturbed, type MachineState } from './machine-state.ts';

/** What a figure promises: `at-most` or `at-least` its target. */
export interface FigureTarget {
  readonly id: FigureId;
  readonly unit: string;
  readonly bound: 'at-most' | 'at-least';
  readonly target: number;
  readonly says: string;
}

export const FIGURES = [
  {
    id: 'ssh-output-cpu-vs-pipe',
    unit: '×',
    bound: 'at-most',
    target: 1.3,
    says: 'gateway CPU for 20 MB of output, recording off, against a bare pipe',
  },
  {
    id: 'ssh-output-cpu-vs-pipe-recorded',
    unit: '×',
    bound: 'at-most',
    target: 2,
    says: 'the same with strict recording',
  },
  {
    id: 'ssh-output-cpu-vs-guacd',
    unit: '×',
    bound: 'at-most',
    target: 0.1,
    says: 'the same with strict recording, against guacd',
  },
  {
    id: 'telnet-output-cpu-vs-pipe',
    unit: '×',
    bound: 'at-most',
    target: 2,
    says: 'gateway CPU for 20 MB of telnet output, strict recording, against a bare pipe',
  },
  {
    id: 'sftp-download-vs-openssh',
    unit: '×',
    bound: 'at-least',
    target: 0.6,
    says: 'throughput of a fetched file through the gateway, against the sftp program',
  },
  {
    id: 'sftp-upload-vs-openssh',
    unit: '×',
    bound: 'at-least',
    target: 0.6,
    says: 'throughput of a sent file through the gateway, against the sftp program',
  },
  {
    id: 'ssh-echo-added-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 1,
    says: 'keystroke to echo, median added; at the 99th percentile at most 5 ms',
  },
  {
    id: 'ssh-echo-added-ms-under-login',
    unit: 'ms',
    bound: 'at-most',
    target: 1,
    says: 'the same under five sign-ins a second',
  },
  {
    id: 'ssh-idle-kib',
    unit: 'KiB',
    bound: 'at-most',
    target: 256,
    says: 'resident memory of an idle session, of 500',
  },
  {
    id: 'stalled-viewer-mib',
    unit: 'MiB',
    bound: 'at-most',
    target: 4,
    says: 'resident memory more for a stalled viewer, of 20',
  },
  {
    id: 'ssh-open-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 300,
    says: 'request to first byte of the prompt, 95th percentile',
  },
  {
    id: 'verify-mb-s',
    unit: 'MB/s',
    bound: 'at-least',
    target: 50,
    says: 'stored bytes verified a second on one core',
  },
  {
    id: 'player-seek-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 1000,
    says: 'seek anywhere in a recording of two hours, 95th percentile',
  },
  { id: 'start-seconds', unit: 's', bound: 'at-most', target: 5, says: 'second start, from the command to serving' },
  {
    id: 'vnc-scroll-cpu-vs-pump',
    unit: '×',
    bound: 'at-most',
    target: 1.5,
    says: 'gateway CPU for 20 s of a scrolling terminal on a desktop, recorded, against a bare pump',
  },
  {
    id: 'vnc-paint-cpu-vs-pump',
    unit: '×',
    bound: 'at-most',
    target: 1.5,
    says: 'the same for a photo-like animation',
  },
  {
    id: 'vnc-scroll-cpu-vs-guacd',
    unit: '×',
    bound: 'at-most',
    target: 0.166,
    says: 'gateway CPU for 20 s of a scrolling terminal on a desktop, recorded, against guacd on the same',
  },
  {
    id: 'vnc-paint-cpu-vs-guacd',
    unit: '×',
    bound: 'at-most',
    target: 0.1,
    says: 'the same for a photo-like animation',
  },
  {
    id: 'vnc-first-picture-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 150,
    says: 'request to the first bytes of a desktop, 95th percentile',
  },
  {
    id: 'vnc-idle-kib',
    unit: 'KiB',
    bound: 'at-most',
    target: 1024,
    says: 'resident memory of an idle desktop session, of 50',
  },
  {
    id: 'desktop-stalled-viewer-mib',
    unit: 'MiB',
    bound: 'at-most',
    target: 4,
    says: 'resident memory more for a stalled viewer of a desktop, of 5',
  },
  {
    id: 'guacd-tunnel-cpu-added',
    unit: '%',
    bound: 'at-most',
    target: 5,
    says: 'gateway CPU for a scrolling desktop by way of guacd, of the CPU of guacd itself',
  },
  {
    id: 'rdp-scroll-cpu-vs-guacd',
    unit: '×',
    bound: 'at-most',
    target: 0.1,
    says: 'gateway CPU for 20 s of a scrolling terminal through xrdp, recorded, against guacd on the same',
  },
  {
    id: 'rdp-paint-cpu-vs-guacd',
    unit: '×',
    bound: 'at-most',
    target: 0.1,
    says: 'the same for a photo-like animation',
  },
  {
    id: 'rdp-first-picture-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 700,
    says: 'request to the first picture with network level authentication, 95th percentile',
  },
  {
    id: 'rdp-seek-nla-s',
    unit: 's',
    bound: 'at-most',
    target: 3,
    says: 'slowest seek in half an hour of a machine with network level authentication',
  },
  {
    id: 'rdp-seek-xrdp-share',
    unit: '×',
    bound: 'at-most',
    target: 0.142,
    says: 'the same of xrdp, which draws nothing anew for being asked: seconds for each second of the recording up to there',
  },
  {
    id: 'policy-decision-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 0.2,
    says: 'CPU of one decision about one of 100,000 machines with 10,000 grants in all, 95th percentile',
  },
  {
    id: 'visible-targets-100k-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 100,
    says: 'the list of what I may use, first page, 95th percentile there',
  },
  {
    id: 'access-report-100k-seconds',
    unit: 's',
    bound: 'at-most',
    target: 60,
    says: 'the file of who could reach what, everybody and everything, nearly a million rows there',
  },
  {
    id: 'sign-in-cpu-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 50,
    says: 'gateway CPU for a sign-in by password, the hash itself left out',
  },
  {
    id: 'revocation-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 2000,
    says: 'a right withdrawn at the node that holds the session to the word of its end, slowest of every trigger',
  },
  {
    id: 'revocation-across-nodes-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 5000,
    says: 'the same, withdrawn at another node',
  },
  {
    id: 'catalog-search-100k-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 50,
    says: 'search over 100,000 machines, 95th percentile of the slowest kind of needle',
  },
  {
    id: 'machines-page-search-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 400,
    says: 'last key of a search over 100,000 machines to the frame that shows it, 95th percentile',
  },
  {
    id: 'catalog-page-search-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 400,
    says: 'the same on the page where administrators look after them',
  },
  {
    id: 'event-to-visible-ms',
    unit: 'ms',
    bound: 'at-most',
    target: 3000,
    says: 'a launch event on the queue to the machine in the API, 95th percentile; CPU at most 5 ms an instance',
  },
  {
    id: 'reconcile-20k-seconds',
    unit: 's',
    bound: 'at-most',
    target: 60,
    says: 'full listing of 60 accounts × 4 regions with 20,000 instances; again with nothing changed writes nothing',
  },
  { id: 'reconcile-20k-mb', unit: 'MB', bound: 'at-most', target: 300, says: 'resident memory more for it' },
  {
    id: 'events-per-second',
    unit: '/s',
    bound: 'at-least',
    target: 500,
    says: 'events taken in for 60 s from 10 scopes, a fifth of them twice, the slower of SQLite and PostgreSQL',
  },
] as const;

export type FigureId = (typeof FIGURES)[number]['id'];

export interface Measured {
  readonly id: FigureId;
  readonly value: number;
  /** Conditions beside the value's own target that also must hold. */
  readonly alsoHolds?: boolean;
  readonly how: string;
  readonly samples: Readonly<Record<string, unknown>>;
}

export interface Figure extends Measured {
  readonly unit: string;
  readonly target: number;
  readonly pass: boolean;
  readonly commit: string;
  readonly machine: MachineState;
}

/** Of which source, and on what machine, something was measured. */
export type Circumstances = Pick<Figure, 'commit' | 'machine'>;

/** One run that yields one or more figures; `wanted` says which of them. */
export interface Experiment {
  readonly figures: readonly FigureId[];
  run(wanted: ReadonlySet<FigureId>, say: (words: string) => void): Promise<readonly Measured[]>;
}

function targetOf(id: FigureId): FigureTarget {
  const found = FIGURES.find((figure) => figure.id === id);
  if (found === undefined) throw new Error(`no figure is called ${id}`);
  return found;
}

export function judge(measured: Measured, circumstances: Circumstances): Figure {
  const { unit, target, bound } = targetOf(measured.id);
  const within = bound === 'at-most' ? measured.value <= target : measured.value >= target;
  return { ...measured, unit, target, pass: within && measured.alsoHolds !== false, ...circumstances };
}

/** A figure that could not be measured is a miss. */
export function unmeasured(id: FigureId, cause: unknown, circumstances: Circumstances): Figure {
  const { unit, target } = targetOf(id);
  const how = `not measured: ${cause instanceof Error ? cause.message : String(cause)}`;
  return { id, value: Number.NaN, unit, target, pass: false, how, samples: {}, ...circumstances };
}

function shown(value: number): string {
  if (Number.isNaN(value)) return '-';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(({ id, value, unit, target, pass }) => {
    const { bound, says } = targetOf(id);
    return [
      pass ? 'holds' : 'MISSES',
      id,
      `${shown(value)} ${unit}`,
      `${bound === 'at-most' ? '≤' : '≥'} ${target} ${unit}`,
      says,
    ];
  });
  const all = [['', 'figure', 'value', 'target', 'what it is'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, ...disturbances(figures)].join('\n');
}

/** One line for each disturbance that figures share. */
function disturbances(figures: readonly Figure[]): readonly string[] {
  const disturbed = figures.filter(({ machine }) => isDisturbed(machine));
  const words = ({ machine: { loadBefore, stolenPercent = 0 } }: Figure): string =>
    `the load before was ${loadBefore}, and the host gave ${stolenPercent} % of the processor to others`;
  return [...new Set(disturbed.map(words))].map((shared) => {
    const ids = disturbed.filter((figure) => words(figure) === shared).map(({ id }) => id);
    return `not a quiet machine for ${ids.join(', ')}: ${shared}; times and percentiles say little, ratios somewhat more`;
  });
}
