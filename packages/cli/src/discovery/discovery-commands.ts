import { readFile } from 'node:fs/promises';
import { text as readText } from 'node:stream/consumers';
import { wholeNumber } from '../catalog/assignments.ts';
import { allPages } from '../catalog/find.ts';
import { command, done } from '../frame/command.ts';
import { CommandFailure } from '../frame/exit-code.ts';
import { count, table, when } from '../frame/table.ts';
import type { Api } from '../login/client.ts';
import { explainCommands } from './explain.ts';
import { findSource, INCOMPLETE, scopesOf } from './find.ts';
import { heldCommands } from './held.ts';
import { planLines, planOf } from './plan.ts';
import { statusCommands } from './status.ts';

/** @throws CommandFailure where the file holds no list */
function rulesIn(text: string) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CommandFailure(1, `the rules are not JSON: ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
  if (!Array.isArray(value))
    throw new CommandFailure(
      1,
      'the rules are no list; enchilada discovery rules prints the saved ones as they are to be',
    );
  return value as Parameters<Api['setRules']>[0]['body']['rules'];
}

/** How sources and accounts are called, of those that there still are. */
async function namesFor(api: Api, items: readonly { readonly sourceId: string }[]) {
  const wanted = new Set(items.map(({ sourceId }) => sourceId));
  const sources = (await api.listSources()).items.filter(({ id }) => wanted.has(id));
  const accounts = new Map<string, string>();
  for (const { id } of sources)
    for (const { account, accountName } of await scopesOf(api, id)) accounts.set(`${id} ${account}`, accountName);
  const names = new Map(sources.map(({ id, name }) => [id, name]));
  return {
    source: (id: string): string => names.get(id) ?? `removed (${id})`,
    account: (id: string, account: string): string => accounts.get(`${id} ${account}`) ?? account,
  };
}

export const discoveryCommands = [
  ...statusCommands,
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
      const { id, name } = await findSource(api, wanted);
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
      const accounts = new Map((await scopesOf(api, id)).map(({ account, accountName }) => [account, accountName]));
      return {
        value: preview,
        lines: planLines(preview, { source: name, accounts }),
        exitCode: preview.failures.length > 0 ? INCOMPLETE : 0,
      };
    },
  }),
  ...heldCommands,
  ...explainCommands,
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
      if (items.length === 0) return done({ items }, 'Discovery has changed nothing yet.');
      const names = await namesFor(api, items);
      const rows = items.map((one) => [
        ...[when(one.at), one.kind, one.cause, one.name, names.source(one.sourceId)],
        ...[names.account(one.sourceId, one.account), one.region, one.machine === one.name ? '' : one.machine],
      ]);
      const heads = ['time', 'change', 'learnt by', 'name', 'source', 'account', 'region', 'id'];
      return done({ items }, ...table(heads, rows));
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
