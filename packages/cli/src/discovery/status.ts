import type { Source, SourceScope } from '@enchilada/contract';
import { command, done } from '../frame/command.ts';
import { CommandFailure } from '../frame/exit-code.ts';
import { count, table, when } from '../frame/table.ts';
import { accountOf, commandLine, findSource, INCOMPLETE, scopesOf } from './find.ts';

const LATE: Readonly<Record<SourceScope['late'][number], string>> = {
  listing: 'the listing is overdue',
  events: 'events come late',
  unannounced: 'events are missing: a listing found what none had announced',
};

const PARTS: Readonly<Record<Source['troubles'][number]['part'], string>> = {
  settings: 'the settings of the source',
  accounts: 'the list of accounts',
  regions: 'the regions of an account',
  events: 'the queue of events',
  endings: 'taking events off the queue',
  trust: 'the trust policy of a reader role',
  networks: 'the names of networks',
};

/** The first trouble is the one that a person has to do something about. */
function healthOf(scope: SourceScope): string {
  if (scope.heldSince !== undefined) return `waits for you: ${count(scope.held.length, 'removal')}`;
  if (scope.retiredAt !== undefined) return `no longer in the source since ${when(scope.retiredAt)}`;
  if (scope.staleSince !== undefined) return `stale since ${when(scope.staleSince)}`;
  if (scope.lastSweepAt === undefined) return 'not listed yet';
  return scope.late.map((what) => LATE[what]).join('; ') || 'up to date';
}

/** What is wrong with the source as a whole. */
function troublesOf({ troubles }: Source, scopes: readonly SourceScope[]): readonly string[] {
  return troubles.map(({ part, account, since, code, detail }) => {
    const known = scopes.find((scope) => scope.account === account);
    const where = account === '' ? '' : ` in ${accountOf(known ?? { account, accountName: '' })}`;
    return `Trouble since ${when(since)}: ${PARTS[part]}${where}: ${code}: ${detail}`;
  });
}

/** What a person can do about it, each once. */
function nextSteps(source: Source, scopes: readonly SourceScope[]): readonly string[] {
  const codes = new Set([...scopes.map(({ problem }) => problem?.code), ...source.troubles.map(({ code }) => code)]);
  const late = new Set(scopes.flatMap((scope) => scope.late));
  const isEventless = late.has('events') || late.has('unannounced');
  const onboarding = commandLine('discovery', 'onboarding', source.name);
  const run = commandLine('discovery', 'run', source.name);
  const steps: readonly (readonly [boolean, string])[] = [
    [!source.enabled, 'The source is switched off: nothing is listed and no event is taken in.'],
    [
      scopes.some(({ heldSince }) => heldSince !== undefined),
      `Removals wait for you, and nothing goes until you agree: ${commandLine('discovery', 'held')}`,
    ],
    [
      codes.has('DISCOVERY_DENIED'),
      `The cloud refuses: give the role or queue what the message names; ${onboarding} prints what it needs.`,
    ],
    [codes.has('DISCOVERY_THROTTLED'), 'The cloud takes no more calls for now: it is asked again by itself.'],
    [
      codes.has('DISCOVERY_FAILED') || late.has('listing'),
      `What cannot be read is tried again by itself within ten minutes; at once with ${run}`,
    ],
    [codes.has('CONFIGURATION_INVALID'), 'The settings do not work: mend them under Administration → Sources.'],
    [
      isEventless,
      `Look at the rule, the bus and the dead-letter queue that bring the events; ${onboarding} prints them.`,
    ],
    [
      scopes.some(({ staleSince }) => staleSince !== undefined),
      'Machines of what is stale stay as they were last known; nothing is removed meanwhile.',
    ],
  ];
  return steps.flatMap(([holds, text]) => (holds ? [text] : []));
}

function apart(...blocks: readonly (readonly string[])[]): readonly string[] {
  return blocks.filter((block) => block.length > 0).flatMap((block, index) => (index === 0 ? block : ['', ...block]));
}

export const statusCommands = [
  command('discovery sources', {
    summary: 'List the sources of machines with their health.',
    async run({ client }) {
      const { api } = await client();
      const { items } = await api.listSources();
      if (items.length === 0)
        return done({ items }, 'There is no source of machines yet. Add one under Administration → Sources.');
      const rows = items.map((one) => [
        ...[one.name, one.kind, one.enabled ? 'on' : 'off', one.machines, one.missing, one.scopes, one.staleScopes],
        ...[one.heldScopes, one.retiredScopes, one.lateScopes, one.troubles.length],
        ...[when(one.lastEventAt), when(one.lastSweepAt), one.id],
      ]);
      const heads = [
        ...['name', 'kind', 'state', 'machines', 'missing', 'scopes', 'stale', 'held', 'retired', 'late', 'troubles'],
        ...['last event', 'last sweep', 'id'],
      ];
      const unwell = items.filter((one) => one.staleScopes + one.heldScopes + one.lateScopes + one.troubles.length > 0);
      const hints = unwell.map(({ name }) => `What is wrong: ${commandLine('discovery', 'status', name)}`);
      return done({ items }, ...apart(table(heads, rows), hints));
    },
  }),
  command('discovery status', {
    summary:
      'Show each account and region of a source, what is wrong, and what to do about it; the exit code is 5 where something is wrong or waits.',
    words: ['SOURCE'],
    async run({ words: [wanted = ''], client }) {
      const { api } = await client();
      const source = await findSource(api, wanted);
      const items = await scopesOf(api, source.id);
      const rows = items.map((scope) => [
        ...[scope.accountName, scope.account === scope.accountName ? '' : scope.account, scope.region],
        ...[scope.machines, scope.missing, when(scope.lastEventAt), when(scope.lastSweepAt), healthOf(scope)],
      ]);
      const heads = ['account', 'number', 'region', 'machines', 'missing', 'last event', 'last sweep', 'health'];
      // Below the table: a reason is longer than what fits beside eight columns.
      const problems = items.flatMap((scope) =>
        scope.problem === undefined
          ? []
          : [`${accountOf(scope)} ${scope.region}: ${scope.problem.code}: ${scope.problem.detail}`],
      );
      const isWell =
        source.troubles.length === 0 &&
        items.every(({ staleSince, heldSince }) => staleSince === undefined && heldSince === undefined);
      return {
        value: { items, troubles: source.troubles },
        lines: apart(
          items.length === 0 ? ['No account and region is known yet.'] : table(heads, rows),
          problems,
          troublesOf(source, items),
          nextSteps(source, items),
        ),
        exitCode: isWell ? 0 : INCOMPLETE,
      };
    },
  }),
  command('discovery run', {
    summary: 'List every account and region of a source now and bring the catalog to it.',
    words: ['SOURCE'],
    details: ['The exit code is 5 where a listing failed or its removals are held.'],
    async run({ words: [wanted = ''], client }) {
      const { api } = await client();
      const { id, name, enabled } = await findSource(api, wanted);
      if (!enabled)
        throw new CommandFailure(
          1,
          `${name} is switched off; ${commandLine('discovery', 'plan', name)} says what it would do, and it is switched on under Administration → Sources`,
        );
      const result = await api.sweepSource({ params: { id } });
      const steps = [
        ...(result.held > 0 ? [`Removals wait for you: ${commandLine('discovery', 'held')}`] : []),
        ...(result.failed > 0 ? [`What failed, and why: ${commandLine('discovery', 'status', name)}`] : []),
      ];
      return {
        value: result,
        lines: [
          `${result.complete} complete, ${result.held} held, ${result.failed} failed; ${count(result.seen, 'machine')} seen, ${count(result.changes, 'change')}.`,
          ...steps,
        ],
        exitCode: result.failed + result.held > 0 ? INCOMPLETE : 0,
      };
    },
  }),
];
