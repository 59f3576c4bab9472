import type { ImportResult } from '@enchilada/contract';
import { HOST_KEY_POLICIES } from '@enchilada/core/target';
import { readFile } from 'node:fs/promises';
import { text as readText } from 'node:stream/consumers';
import { command, done } from '../frame/command.ts';
import { usage } from '../frame/exit-code.ts';
import { count, table } from '../frame/table.ts';
import { assignments, oneOf, parameters, wholeNumber } from './assignments.ts';
import { allPages, findTarget, findTargetGroup, groupPath, pick } from './find.ts';

const PORTS = { minimum: 1, maximum: 65_535 };

function formatOf(path: string, named: string | undefined): 'csv' | 'yaml' {
  if (named !== undefined) return oneOf(named, 'format', ['csv', 'yaml']);
  if (/\.csv$/iu.test(path)) return 'csv';
  if (/\.ya?ml$/iu.test(path)) return 'yaml';
  throw usage(`the format of ${JSON.stringify(path)} cannot be told from its name; see --format`);
}

function importLines(result: ImportResult): readonly string[] {
  const rows = result.rows.map((row) => [
    row.line,
    row.outcome,
    row.name,
    row.host,
    row.protocol,
    row.problems.map(({ field, message }) => `${field} ${message}`).join('; '),
  ]);
  const words = `${result.created} to create, ${result.updated} to update, ${result.refused} refused`;
  if (result.saved) return [`Saved: ${result.created} created, ${result.updated} updated.`];
  return [
    ...table(['line', 'outcome', 'name', 'host', 'protocol', 'problems'], rows),
    '',
    result.refused > 0 ? `Nothing was saved: ${words}.` : `Preview: ${words}. Add --save to save them.`,
  ];
}

export const targetCommands = [
  command('targets list', {
    summary: 'List all machines (administrators), or those you may use (--mine).',
    words: ['TEXT?'],
    options: { mine: { type: 'boolean', says: 'only the machines that you may open' } },
    details: ['TEXT searches name, address, label and group.'],
    async run({ words: [text], options, client }) {
      const { api } = await client();
      const query = { limit: 500, ...(text === undefined ? {} : { text }) };
      if (options.mine === true) {
        const items = await allPages((cursor) => api.listMachines({ query: { ...query, ...cursor } }));
        return done(
          { items },
          ...table(
            ['id', 'name', 'host', 'port', 'protocol', 'actions'],
            items.map((one) => [one.id, one.name, one.host, one.port, one.protocol, one.actions.join(',')]),
          ),
        );
      }
      const [items, groups] = await Promise.all([
        allPages((cursor) => api.listTargets({ query: { ...query, ...cursor } })),
        api.listTargetGroups(),
      ]);
      const rows = items.map((one) => [
        one.id,
        one.name,
        one.host,
        one.port,
        one.protocol,
        groupPath(groups.items, one.groupId),
        Object.entries(one.labels)
          .map((label) => label.join('='))
          .join(' '),
      ]);
      return done({ items }, ...table(['id', 'name', 'host', 'port', 'protocol', 'group', 'labels'], rows));
    },
  }),
  command('targets get', {
    summary: 'Show one machine with its parameters and pinned host keys.',
    words: ['NAME'],
    async run({ words: [name = ''], client }) {
      const { api } = await client();
      const target = await findTarget(api, name);
      const { items: hostKeys } = await api.listHostKeys({ params: { id: target.id } });
      const { parameters: values, labels, ...plain } = target;
      const lines = Object.entries({
        ...plain,
        ...Object.fromEntries(Object.entries(labels).map(([key, value]) => [`label ${key}`, value])),
        ...Object.fromEntries(Object.entries(values).map(([key, value]) => [`parameter ${key}`, String(value)])),
      });
      return done(
        { ...target, hostKeys },
        ...lines.map(([key, value]) => `${key}: ${String(value)}`),
        ...hostKeys.map((key) => `host key: ${key.keyType} ${key.fingerprint} (${key.state})`),
      );
    },
  }),
  command('targets add', {
    summary: 'Add a machine.',
    words: ['NAME', 'HOST'],
    options: {
      protocol: { type: 'string', value: 'ID', says: 'the protocol; may be left out where the server speaks only one' },
      port: { type: 'string', value: 'PORT', says: "the port, if it is not the protocol's own" },
      group: { type: 'string', value: 'GROUP', says: 'the group, by path or id' },
      label: { type: 'string', value: 'KEY=VALUE', multiple: true, says: 'a label' },
      description: { type: 'string', value: 'TEXT', says: 'a description' },
      credential: {
        type: 'string',
        value: 'NAME',
        says: 'the credential, by name or id; without it the person is asked',
      },
      jump: { type: 'string', value: 'NAME', says: 'the machine that this one is reached through' },
      files: { type: 'string', value: 'NAME', says: 'the machine that has the files of sessions on this one' },
      parameter: {
        type: 'string',
        value: 'NAME=VALUE',
        multiple: true,
        says: 'a parameter of the protocol; see enchilada protocols',
      },
      'host-key-policy': {
        type: 'string',
        value: 'POLICY',
        says: `what to do with an unknown host key: ${HOST_KEY_POLICIES.join(', ')}`,
      },
    },
    async run({ words: [name = '', host = ''], options, client }) {
      const { api } = await client();
      const { items: engines } = await api.listEngines();
      const wanted = options.protocol ?? (engines.length === 1 ? engines[0]?.id : undefined);
      if (wanted === undefined) throw usage(`--protocol must be one of ${engines.map(({ id }) => id).join(', ')}`);
      const engine = pick(engines, wanted, { kind: 'protocol', name: ({ id }) => id });
      const [group, credential, jump, files] = await Promise.all([
        options.group === undefined ? undefined : findTargetGroup(api, options.group),
        options.credential === undefined
          ? undefined
          : api
              .listCredentials()
              .then(({ items }) =>
                pick(items, options.credential ?? '', { kind: 'credential', name: (one) => one.name }),
              ),
        options.jump === undefined ? undefined : findTarget(api, options.jump),
        options.files === undefined ? undefined : findTarget(api, options.files),
      ]);
      const target = await api.createTarget({
        body: {
          name,
          host: host.replaceAll(/^\[|\]$/gu, ''),
          protocol: engine.id,
          port: options.port === undefined ? engine.defaultPort : wholeNumber(options.port, 'port', PORTS),
          labels: assignments(options.label, 'label'),
          description: options.description ?? '',
          parameters: parameters(options.parameter, engine.parameters),
          ...(options['host-key-policy'] === undefined
            ? {}
            : { hostKeyPolicy: oneOf(options['host-key-policy'], 'host-key-policy', HOST_KEY_POLICIES) }),
          ...(group === undefined ? {} : { groupId: group.id }),
          ...(credential === undefined ? {} : { credentialId: credential.id }),
          ...(jump === undefined ? {} : { jumpTargetId: jump.id }),
          ...(files === undefined ? {} : { filesTargetId: files.id }),
        },
      });
      return done(target, `Added ${target.name} (${target.id}).`);
    },
  }),
  command('targets remove', {
    summary: 'Remove a machine and end its sessions; recordings and audit stay.',
    words: ['NAME'],
    async run({ words: [name = ''], client }) {
      const { api } = await client();
      const { id, version, name: full } = await findTarget(api, name);
      await api.deleteTarget({ params: { id }, query: { version } });
      return done({ removed: id }, `Removed ${full} (${id}).`);
    },
  }),
  command('targets import', {
    summary: 'Read machines from a CSV or YAML file; a preview unless --save is given.',
    words: ['FILE'],
    options: {
      format: { type: 'string', value: 'FORMAT', says: "csv or yaml, if the file's name does not tell" },
      save: { type: 'boolean', says: 'save the machines; all of them or none' },
    },
    details: ['FILE may be - for standard input. The exit code is 5 where a line is refused.'],
    async run({ io, words: [path = ''], options, client }) {
      const format = formatOf(path, options.format);
      const text = path === '-' ? await readText(io.stdin) : await readFile(path, 'utf8');
      const { api } = await client();
      const result = await api.importTargets({ body: { format, text, preview: options.save !== true } });
      return { value: result, lines: importLines(result), exitCode: result.refused > 0 ? 5 : 0 };
    },
  }),
  command('targets groups', {
    summary: 'List the groups of machines.',
    async run({ client }) {
      const { api } = await client();
      const { items } = await api.listTargetGroups();
      return done(
        { items },
        ...table(
          ['id', 'path'],
          items
            .map(({ id }) => [id, groupPath(items, id)])
            .toSorted((a, b) => String(a[1]).localeCompare(String(b[1]))),
        ),
      );
    },
  }),
  command('protocols', {
    summary: 'List the protocols of the server with their parameters.',
    async run({ client }) {
      const { api } = await client();
      const { items } = await api.listEngines();
      const rows = items.flatMap((engine) =>
        engine.parameters.map((field) => [
          engine.id,
          field.name,
          field.kind,
          field.weakens === true ? 'yes' : '',
          field.label.en,
        ]),
      );
      const heads = items.map(
        (engine) =>
          `${engine.id}: ${engine.label.en}, port ${engine.defaultPort}, ${count(engine.parameters.length, 'parameter')}`,
      );
      return done({ items }, ...heads, '', ...table(['protocol', 'parameter', 'kind', 'weakens', 'meaning'], rows));
    },
  }),
];
