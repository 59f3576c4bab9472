import { ApiProblem } from '@enchilada/contract';
import { readFile } from 'node:fs/promises';
import { text as readText } from 'node:stream/consumers';
import { command, type Outcome } from '../frame/command.ts';
import { CommandFailure } from '../frame/exit-code.ts';
import { count, table } from '../frame/table.ts';
import { readLive } from './live-policy.ts';
import { carryOut, type Plan, planPolicy } from './plan.ts';
import { readPolicy } from './policy-file.ts';
import { Run, type Step } from './step.ts';
import type { FileProblem } from './yaml-place.ts';

const CHANGES = 2;
const MOST_PEOPLE = 50;
const SIGNS = { create: '+', update: '~', delete: '-' } as const;

function refused(path: string, problems: readonly FileProblem[]): Outcome {
  const lines = problems.map(({ line, message }) => `${path}:${line}: ${message}`);
  const message = `${count(problems.length, 'mistake')} in ${path}; nothing was changed`;
  return { value: { error: { message, exitCode: 1, problems } }, lines: [...lines, message], exitCode: 1 };
}

function stepLines(step: Step): readonly string[] {
  const kind = step.kind === 'grant' ? '' : `${step.kind} `;
  return [`${SIGNS[step.act]} ${kind}${step.name}`, ...step.details.map((detail) => `    ${detail}`)];
}

function effectLines({ effect }: Plan): readonly string[] {
  const side = (verb: string, { people, machines }: Plan['effect']['gain']): readonly string[] =>
    people === 0
      ? []
      : [
          `${people} ${people === 1 ? 'person' : 'people'} ${verb}${people === 1 ? 's' : ''} ${count(machines, 'machine')}.`,
        ];
  if (effect.people.length === 0) return ['Nobody gains or loses a machine.'];
  const rows = effect.people
    .slice(0, MOST_PEOPLE)
    .map(({ username, gained, lost }) => [username, `+${gained}`, `-${lost}`]);
  const more = effect.people.length - rows.length;
  return [
    ...side('gain', effect.gain),
    ...side('lose', effect.lose),
    ...table(['who', 'gains', 'loses'], rows),
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
}

function planLines(plan: Plan): readonly string[] {
  const { steps, drift, notes, fingerprint } = plan;
  const of = (act: Step['act']): number => steps.filter((step) => step.act === act).length;
  return [
    ...(steps.length === 0
      ? ['All is as the file says.']
      : [
          ...steps.flatMap(stepLines),
          '',
          `${of('create')} to create, ${of('update')} to change, ${of('delete')} to remove.`,
          ...effectLines(plan),
          ...(steps.some(({ kind }) => kind === 'rule')
            ? ['What rules of discovery give is not counted: enchilada discovery plan tells.']
            : []),
          `Fingerprint of these changes: ${fingerprint}`,
        ]),
    ...notes,
    ...(drift.length === 0
      ? []
      : [
          '',
          'Not in the file, and left alone without --prune:',
          ...drift.flatMap(stepLines).map((line) => `  ${line}`),
        ]),
  ];
}

function stepView({ act, kind, name, details, line }: Step): object {
  return { act, kind, name, details, ...(line === undefined ? {} : { line }) };
}

function planView({ steps, drift, notes, effect, fingerprint }: Plan): object {
  return { changes: steps.map(stepView), drift: drift.map(stepView), notes, effect, fingerprint };
}

export const applyCommands = [
  command('apply', {
    summary: 'Make groups, machines, grants and rules as a file says.',
    words: ['FILE'],
    options: {
      plan: { type: 'boolean', says: 'say only what would change and for whom, and save nothing' },
      prune: { type: 'boolean', says: 'also remove what exists and is not in the file' },
      only: {
        type: 'string',
        value: 'FINGERPRINT',
        says: 'carry out these changes and no others, as --plan printed them',
      },
    },
    details: [
      'FILE is YAML; - is standard input. A section that the file does not have is left alone.',
      'Exit codes of its own: 0 nothing to change, or all changes made; 1 whatever went wrong; 2 with --plan, there are changes.',
    ],
    failsWith: 1,
    async run({ io, words: [path = ''], options, client }) {
      const text = path === '-' ? await readText(io.stdin) : await readFile(path, 'utf8');
      const { policy, problems } = readPolicy(text);
      if (problems.length > 0) return refused(path, problems);
      const { api } = await client();
      const live = await readLive(api, policy);
      const plan = planPolicy(policy, live, { prune: options.prune === true, now: io.now() });
      if (plan.problems.length > 0) return refused(path, plan.problems);
      if (options.plan === true)
        return { value: planView(plan), lines: planLines(plan), exitCode: plan.steps.length === 0 ? 0 : CHANGES };
      if (options.only !== undefined && plan.steps.length > 0 && options.only !== plan.fingerprint)
        throw new CommandFailure(
          1,
          `the changes are others by now: their fingerprint is ${plan.fingerprint} and not ${options.only}; look at them again with --plan`,
        );
      const stop = await carryOut(plan, new Run(api));
      if (stop === undefined)
        return { value: { ...planView(plan), applied: true }, lines: [...planLines(plan), ...saved(plan)] };
      const reason = stop.failure instanceof Error ? stop.failure.message : String(stop.failure);
      if (!(stop.failure instanceof ApiProblem) && !(stop.failure instanceof CommandFailure)) throw stop.failure;
      throw new CommandFailure(
        1,
        `stopped at ${stepLines(stop.step)[0] ?? ''}: ${reason}; what was done before it stays, and applying again goes on from there`,
        { cause: stop.failure },
      );
    },
  }),
];

function saved({ steps }: Plan): readonly string[] {
  return steps.length === 0 ? [] : ['', `Done: ${count(steps.length, 'change')}.`];
}
