import type { SourceScope } from '@enchilada/contract';
import { wholeNumber } from '../catalog/assignments.ts';
import { allPages } from '../catalog/find.ts';
import { command, done } from '../frame/command.ts';
import { CommandFailure, usage } from '../frame/exit-code.ts';
import { count, table, when } from '../frame/table.ts';
import type { Api } from '../login/client.ts';
import { accountOf, commandLine, findSource, scopesOf } from './find.ts';

interface Held extends SourceScope {
  readonly sourceId: string;
  readonly source: string;
  /** What `held` names, as it is called in the catalog. */
  readonly removals: Awaited<ReturnType<typeof removalsOf>>;
}

async function removalsOf(api: Api, id: string, { account, region }: SourceScope) {
  const query = { account, region, limit: 500 };
  const items = await allPages((cursor) => api.listHeldRemovals({ params: { id }, query: { ...query, ...cursor } }));
  return [...items].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

async function heldOf(api: Api): Promise<readonly Held[]> {
  const items: Held[] = [];
  for (const { id, name, heldScopes } of (await api.listSources()).items) {
    if (heldScopes === 0) continue;
    for (const scope of await scopesOf(api, id))
      if (scope.heldSince !== undefined)
        items.push({ sourceId: id, source: name, ...scope, removals: await removalsOf(api, id, scope) });
  }
  return items;
}

function linesOf({ source, removals, ...scope }: Held): readonly string[] {
  const rows = removals.map(({ name, host, machine }) => [`  ${name}`, host, machine === name ? '' : machine]);
  const where = `${accountOf(scope)} ${scope.region}`;
  return [
    `${source}, ${where}: ${count(removals.length, 'removal')} of ${count(scope.machines, 'machine')} held since ${when(scope.heldSince)}.`,
    ...table(['  name', 'address', 'id'], rows),
    `  They are to go:  ${commandLine('discovery', 'accept', source, scope.account, scope.region, '--count', String(removals.length))}`,
    `  They are to stay: do nothing. A complete listing that has them again ends it; ${commandLine('discovery', 'run', source)} lists at once.`,
    '',
  ];
}

export const heldCommands = [
  command('discovery held', {
    summary: 'Show the removals that wait for a person, by name and address, and how to agree to them.',
    async run({ client }) {
      const { api } = await client();
      const items = await heldOf(api);
      if (items.length === 0) return done({ items }, 'No removals wait.');
      return done({ items }, ...items.flatMap(linesOf).slice(0, -1));
    },
  }),
  command('discovery accept', {
    summary: 'Agree to the removals that are held in one account and region.',
    words: ['SOURCE', 'ACCOUNT', 'REGION'],
    details: ['The account is named by its number or by its name.'],
    options: {
      count: { type: 'string', value: 'COUNT', says: 'how many you saw; refused where it is another number by now' },
    },
    async run({ words: [wanted = '', account = '', region = ''], options, client }) {
      const { api } = await client();
      const source = await findSource(api, wanted);
      if (options.count === undefined)
        throw usage(`--count is needed: the number that ${commandLine('discovery', 'held')} shows`);
      const expected = wholeNumber(options.count, 'count', { minimum: 1, maximum: 100_000 });
      const scope = heldIn(await scopesOf(api, source.id), { source: source.name, account, region });
      const held = scope.held.length;
      if (held !== expected)
        throw new CommandFailure(
          1,
          `${count(held, 'removal')} ${held === 1 ? 'is' : 'are'} held and not ${expected}; look at them again with ${commandLine('discovery', 'held')}`,
        );
      const body = { account: scope.account, region: scope.region, machines: [...scope.held] };
      const after = await api.acceptRemovals({ params: { id: source.id }, body });
      return done(
        after,
        `${count(expected, 'machine')} removed; ${after.machines} left in ${accountOf(scope)} ${region}.`,
      );
    },
  }),
];

interface Wanted {
  readonly source: string;
  readonly account: string;
  readonly region: string;
}

/** @throws CommandFailure that says what waits instead */
function heldIn(scopes: readonly SourceScope[], { source, account, region }: Wanted): SourceScope {
  const scope = scopes.find((one) => one.region === region && (one.account === account || one.accountName === account));
  if (scope?.heldSince !== undefined) return scope;
  const waiting = scopes.filter(({ heldSince }) => heldSince !== undefined);
  const what =
    scope === undefined
      ? `${source} has no account and region ${account} ${region}`
      : `nothing waits in ${account} ${region}`;
  const instead =
    waiting.length === 0
      ? `; no removals of ${source} wait`
      : `; removals wait in ${waiting.map((one) => `${accountOf(one)} ${one.region}`).join(', ')}`;
  throw new CommandFailure(1, what + instead);
}
