import type { Source, SourceScope } from '@enchilada/contract';
import { readFile } from 'node:fs/promises';
import { text as readText } from 'node:stream/consumers';
import { wholeNumber } from '../catalog/assignments.ts';
import { allPages, findTarget, pick } from '../catalog/find.ts';
import { command, done } from '../frame/command.ts';
import { CommandFailure, usage } from '../frame/exit-code.ts';
import { count, table, when } from '../frame/table.ts';
import type { Api } from '../login/client.ts';
import { planLines, planOf } from './plan.ts';

const INCOMPLETE = 5;

async function findSource(api: Api, wanted: string) {
  return pick((await api.listSources()).items, wanted, { kind: 'source', name: ({ name }) => name });
}

async function scopesOf(api: Api, id: string): Promise<readonly SourceScope[]> {
  return (await api.listSourceScopes({ params: { id } })).items;
}

const LATE: Readonly<Record<SourceScope['late'][number], string>> = {
  listing: 'the listing is overdue',
  events: 'events come late',
  unannounced: 'events are missing: a listing found what none had announced',
};

/** What is wrong with the source as a whole. */
function troublesOf({ troubles }: Source): readonly string[] {
  return troubles.map(
    ({ part, account, since, code, detail }) =>
      `${[part, account].filter((word) => word !== '').join(' ')} since ${when(since)}: ${code} ${detail}`,
  );
}

/** The first trouble is the one that a person has to do something about. */
function healthOf(scope: SourceScope): string {
  if (scope.heldSince !== undefined) return `waits for you: ${scope.held.length} removals`;
  if (scope.retiredAt !== undefined) return `no longer in the source since ${when(scope.retiredAt)}`;
  if (scope.staleSince !== undefined) return `stale since ${when(scope.staleSince)}`;
  if (scope.lastSweepAt === undefined) return 'not listed yet';
  return scope.late.map((what) => LATE[what]).join('; ') || 'up to date';
}

/** @throws CommandFailure where the file holds no list */
function rulesIn(text: string) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CommandFailure(1, 'the rules are not JSON');
  }
  if (!Array.isArray(value)) throw new CommandFailure(1, 'the rules are no list');
  return value as Parameters<Api['setRules']>[0]['body']['rules'];
}

export const discoveryCommands = [
  command('discovery sources', {
    summary: 'List the sources of machines with their health.',
    async run({ client }) {
      const { api } = await client();
      const { items } = await api.listSources();
      const rows = items.map((one) => [
        one.id,
        one.name,
        one.kind,
        one.enabled ? 'on' : 'off',
        one.machines,
        one.missing,
        one.scopes,
        one.staleScopes,
        one.heldScopes,
        one.retiredScopes,
        one.lateScopes,
        one.troubles.length,
        when(one.lastEventAt),
        when(one.lastSweepAt),
      ]);
      const heads = [
        'id',
        'name',
        'kind',
        'state',
        'machines',
        'missing',
        'scopes',
        'stale',
        'held',
        'retired',
        'late',
        'troubles',
        'last event',
        'last sweep',
      ];
      return done({ items }, ...table(heads, rows));
    },
  }),
  command('discovery status', {
    summary:
      'Show each account and region of a source, and what is wrong with the source as a whole; the exit code is 5 where something is wrong or waits.',
    words: ['SOURCE'],
    async run({ words: [wanted = ''], client }) {
      const { api } = await client();
      const source = await findSource(api, wanted);
      const items = await scopesOf(api, source.id);
      const rows = items.map((scope) => [
        scope.account,
        scope.region,
        scope.accountName,
        scope.machines,
        scope.missing,
        when(scope.lastEventAt),
        when(scope.lastSweepAt),
        healthOf(scope),
        scope.problem === undefined ? '' : `${scope.problem.code}: ${scope.problem.detail}`,
      ]);
      const heads = [
        'account',
        'region',
        'name',
        'machines',
        'missing',
        'last event',
        'last sweep',
        'health',
        'problem',
      ];
      const isWell =
        source.troubles.length === 0 &&
        items.every(({ staleSince, heldSince }) => staleSince === undefined && heldSince === undefined);
      return {
        value: { items, troubles: source.troubles },
        lines: [...table(heads, rows), ...troublesOf(source)],
        exitCode: isWell ? 0 : INCOMPLETE,
      };
    },
  }),
  command('discovery plan', {
    summary: 'Read a source and say what would appear, change and go; writes nothing.',
    words: ['SOURCE'],
    details: [
      'All machines are counted; up to 500 are listed, those that go before all others. How far a large source is looked at is said on standard error. The exit code is 5 where an account and region could not be read.',
    ],
    options: {
      rules: {
        type: 'string',
        value: 'FILE',
        says: 'with these rules (JSON) in place of the saved ones; - is standard input',
      },
    },
    async run({ io, words: [wanted = ''], options, client, note }) {
      const { api } = await client();
      const { id } = await findSource(api, wanted);
      const text =
        options.rules === undefined
          ? undefined
          : options.rules === '-'
            ? await readText(io.stdin)
            : await readFile(options.rules, 'utf8');
      const rules = text === undefined ? {} : { rules: rulesIn(text) };
      const preview = await planOf(
        (scopes) =>
          api.previewDiscovery({ body: { sourceId: id, ...rules, ...(scopes === undefined ? {} : { scopes }) } }),
        note,
      );
      return { value: preview, lines: planLines(preview), exitCode: preview.failures.length > 0 ? INCOMPLETE : 0 };
    },
  }),
  command('discovery run', {
    summary: 'List every account and region of a source now and bring the catalog to it.',
    words: ['SOURCE'],
    details: ['The exit code is 5 where a listing failed or its removals are held.'],
    async run({ words: [wanted = ''], client }) {
      const { api } = await client();
      const result = await api.sweepSource({ params: { id: (await findSource(api, wanted)).id } });
      return {
        value: result,
        lines: [
          `${result.complete} complete, ${result.held} held, ${result.failed} failed; ${count(result.seen, 'machine')} seen, ${count(result.changes, 'change')}.`,
        ],
        exitCode: result.failed + result.held > 0 ? INCOMPLETE : 0,
      };
    },
  }),
  command('discovery held', {
    summary: 'Show the removals that wait for a person.',
    async run({ client }) {
      const { api } = await client();
      const sources = (await api.listSources()).items.filter(({ heldScopes }) => heldScopes > 0);
      const items = (
        await Promise.all(
          sources.map(async ({ id, name }) =>
            (await scopesOf(api, id))
              .filter(({ heldSince }) => heldSince !== undefined)
              .map((scope) => ({ sourceId: id, source: name, ...scope })),
          ),
        )
      ).flat();
      const rows = items.flatMap(({ source, account, region, heldSince, held }) =>
        held.map((machine) => [source, account, region, when(heldSince), machine]),
      );
      return done({ items }, ...table(['source', 'account', 'region', 'since', 'machine'], rows));
    },
  }),
  command('discovery accept', {
    summary: 'Agree to the removals that are held in one account and region.',
    words: ['SOURCE', 'ACCOUNT', 'REGION'],
    options: {
      count: { type: 'string', value: 'COUNT', says: 'how many you saw; refused where it is another number by now' },
    },
    async run({ words: [wanted = '', account = '', region = ''], options, client }) {
      const { api } = await client();
      const { id } = await findSource(api, wanted);
      if (options.count === undefined) throw usage('--count is needed: the number that discovery held shows');
      const expected = wholeNumber(options.count, 'count', { minimum: 1, maximum: 100_000 });
      const scope = (await scopesOf(api, id)).find((one) => one.account === account && one.region === region);
      if (scope === undefined) throw new CommandFailure(1, `the source has no account and region ${account} ${region}`);
      if (scope.held.length !== expected)
        throw new CommandFailure(1, `${scope.held.length} removals are held and not ${expected}; look at them again`);
      const after = await api.acceptRemovals({ params: { id }, body: { account, region, machines: [...scope.held] } });
      return done(after, `${count(expected, 'machine')} removed.`);
    },
  }),
  command('discovery explain', {
    summary: 'Say why a machine is in the catalog and which rules made it so.',
    words: ['NAME'],
    async run({ words: [wanted = ''], client }) {
      const { api } = await client();
      const target = await findTarget(api, wanted);
      const told = await api.explainTarget({ params: { id: target.id } });
      if (told.origin !== 'found')
        return done(
          told,
          told.origin === 'by-hand'
            ? `${target.name} was added by hand, ${when(told.addedAt)}. No source keeps it up to date.`
            : `${target.name} was found ${when(told.addedAt)} by a source that has been removed since. Nothing keeps it up to date: delete it where it is not needed.`,
        );
      const rows = told.trace.map(({ field, rule, refusedBecauseOfTag }) => [
        field,
        rule,
        refusedBecauseOfTag === undefined ? '' : `not followed: anybody may set the tag ${refusedBecauseOfTag}`,
      ]);
      return done(
        told,
        `${target.name} was found by ${told.sourceName} in ${told.accountName} (${told.account} ${told.region}) as ${told.machine}.`,
        `It is ${told.state}, ${told.platform}; first seen ${when(told.firstSeenAt)}, last looked at ${when(told.observedAt)}.`,
        ...(told.launchedBy === undefined ? [] : [`Launched by ${told.launchedBy}.`]),
        ...(told.missingSince === undefined
          ? []
          : [`Missing from complete listings since ${when(told.missingSince)}.`]),
        ...(told.changedByHand.length === 0 ? [] : [`Set by hand, and left alone: ${told.changedByHand.join(', ')}.`]),
        ...(rows.length === 0
          ? ['No rule sets anything: all is as the source and the standard say.']
          : ['', ...table(['field', 'rule', ''], rows)]),
      );
    },
  }),
  command('discovery onboarding', {
    summary: 'Print the templates that give a source what it needs in its cloud, and how to deploy them.',
    words: ['SOURCE'],
    options: { file: { type: 'string', value: 'NAME', says: 'only this template, as it is to be saved' } },
    async run({ words: [wanted = ''], options, client }) {
      const { api } = await client();
      const { files } = await api.getOnboarding({ params: { id: (await findSource(api, wanted)).id } });
      if (options.file === undefined) {
        if (files.length === 0) return done({ files }, 'There is nothing to deploy for a source of this kind.');
        return done(
          { files },
          ...files.flatMap(({ name, use, commands }) => [
            name,
            `  ${use.en}`,
            ...commands.map((line) => `  $ ${line}`),
            '',
          ]),
        );
      }
      const file = files.find(({ name }) => name === options.file);
      if (file === undefined)
        throw new CommandFailure(
          1,
          `there is no template ${options.file}; there are ${files.map(({ name }) => name).join(', ')}`,
        );
      return done(file, ...file.text.trimEnd().split('\n'));
    },
  }),
  command('discovery changes', {
    summary: 'List what discovery did, the newest first.',
    options: {
      source: { type: 'string', value: 'SOURCE', says: 'of this source only' },
      limit: { type: 'string', value: 'COUNT', says: 'how many; 100 if left out' },
    },
    async run({ options, client }) {
      const { api } = await client();
      const most = wholeNumber(options.limit ?? '100', 'limit', { minimum: 1, maximum: 1_000_000 });
      const sourceId = options.source === undefined ? {} : { sourceId: (await findSource(api, options.source)).id };
      const items = await allPages(
        (cursor) => api.listDiscoveryChanges({ query: { ...sourceId, ...cursor, limit: Math.min(most, 500) } }),
        most,
      );
      const rows = items.map((one) => [
        when(one.at),
        one.kind,
        one.cause,
        one.name,
        one.machine,
        one.account,
        one.region,
      ]);
      return done({ items }, ...table(['time', 'change', 'learnt by', 'name', 'machine', 'account', 'region'], rows));
    },
  }),
  command('discovery rules', {
    summary: 'Print the rules as JSON, or replace them by a file.',
    options: { set: { type: 'string', value: 'FILE', says: 'replace them by these (JSON); - is standard input' } },
    async run({ io, options, client }) {
      const { api } = await client();
      const saved = await api.getRules();
      if (options.set === undefined) return done(saved, ...JSON.stringify(saved.rules, undefined, 2).split('\n'));
      const text = options.set === '-' ? await readText(io.stdin) : await readFile(options.set, 'utf8');
      const result = await api.setRules({ body: { rules: rulesIn(text), version: saved.version } });
      return done(result, `Saved; ${count(result.changed, 'machine')} changed.`);
    },
  }),
];
