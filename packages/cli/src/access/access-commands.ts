import type { Grant } from '@enchilada/contract';
import { command, done } from '../frame/command.ts';
import { usage } from '../frame/exit-code.ts';
import { count, table } from '../frame/table.ts';
import { oneOf } from '../catalog/assignments.ts';
import { findTarget, findUser } from '../catalog/find.ts';
import { saveStream } from '../recordings/save-stream.ts';
import { mayWords, scopeWords } from './grant-words.ts';

const AT_OPTION = {
  at: { type: 'string', value: 'TIME', says: 'judge that moment of the past instead of now, like 2026-11-20T12:00Z' },
} as const;

/** @throws CommandFailure 2 */
function momentOf(at: string | undefined): { readonly at?: number } {
  if (at === undefined) return {};
  const time = Date.parse(at);
  if (!/^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/iu.test(at) || Number.isNaN(time))
    throw usage(`--at must be a time with its zone like 2026-11-20T12:00Z, received ${JSON.stringify(at)}`);
  return { at: time };
}

/** An id as it is, also of what is no more and for an auditor, who may list neither people nor machines; a name is looked up. */
async function idOf(word: string, prefix: string, find: () => Promise<{ readonly id: string }>): Promise<string> {
  return word.startsWith(prefix) ? word : (await find()).id;
}

export const accessCommands = [
  command('access who', {
    summary: 'Say who can reach a machine, now or at a past moment, and by which grants.',
    words: ['MACHINE'],
    options: AT_OPTION,
    async run({ words: [machine = ''], options, client }) {
      const { api } = await client();
      const query = momentOf(options.at);
      const isPast = query.at !== undefined;
      const id = await idOf(machine, 'tgt_', () => findTarget(api, machine));
      const { items } = await api.listTargetAccess({ params: { id }, query });
      const rows = items.map(({ username, actions, grantIds, conditional }) => [
        username,
        actions.join(','),
        conditional ? (isPast ? 'from networks or when approved' : 'at times or from networks') : '',
        grantIds.join(' '),
      ]);
      return done({ items }, ...table(['who', 'may', 'only', 'by'], rows));
    },
  }),
  command('access why', {
    summary: 'Say why a person may, or may not, use a machine, now or at a past moment.',
    words: ['USERNAME', 'MACHINE'],
    options: { ...AT_OPTION, address: { type: 'string', value: 'ADDRESS', says: 'judge as if they came from there' } },
    async run({ words: [username = '', machine = ''], options, client }) {
      const { api } = await client();
      const moment = momentOf(options.at);
      const isPast = moment.at !== undefined;
      const [userId, targetId] = await Promise.all([
        idOf(username, 'usr_', () => findUser(api, username)),
        idOf(machine, 'tgt_', () => findTarget(api, machine)),
      ]);
      const query = { userId, targetId, ...moment };
      const found = await api.explainAccess({
        query: options.address === undefined ? query : { ...query, address: options.address },
      });
      const may = isPast ? 'could then' : 'may';
      const verdict = found.actions.length === 0 ? `${may} do nothing with` : `${may} ${found.actions.join(', ')} on`;
      const rows = found.findings.map(({ grant, counts, unmet }) => [
        grant.id,
        `${grant.subject.kind} ${grant.subjectName}`,
        mayWords(grant),
        scopeWords(grant),
        counts ? 'counts' : `does not count: ${unmet.length === 0 ? 'only at times' : unmet.join(', ')}`,
      ]);
      return done(
        found,
        `${found.username} ${verdict} ${found.targetName}.`,
        ...found.obstacles.map((obstacle) => `In the way: ${obstacle}.`),
        ...(rows.length === 0
          ? ['No grant is about this person and this machine.']
          : table(['grant', 'who', 'may', 'machines', isPast ? 'then' : 'now'], rows)),
      );
    },
  }),
  command('access report', {
    summary:
      'Say which machines a person could reach, or who could reach a machine, at a moment; as a file for an auditor too.',
    options: {
      ...AT_OPTION,
      user: { type: 'string', value: 'NAME', says: 'the person, by name or id as of then' },
      target: { type: 'string', value: 'NAME', says: 'or the machine, by name or id as of then; or both' },
      everything: { type: 'boolean', says: 'everybody and every machine, into a file' },
      format: { type: 'string', value: 'FORMAT', says: 'of the file: csv or json; by its ending if left out' },
      output: { type: 'string', value: 'FILE', says: 'write everything to this file' },
    },
    details: [
      'The file names the moment and the audit record (node, sequence, hash) of its making, access.exported: a later export of the audit log must still hold it.',
    ],
    async run({ options, client }) {
      const { at, user, target, output, everything = false } = options;
      if (everything === ((user ?? target) !== undefined))
        throw usage('either --user or --target, or both, or --everything is needed');
      if (everything && output === undefined) throw usage('--everything needs --output');
      if (output === undefined && options.format !== undefined) throw usage('--format belongs to --output');
      const query = {
        ...momentOf(at),
        ...(user === undefined ? {} : { user }),
        ...(target === undefined ? {} : { target }),
      };
      const { api } = await client();
      if (output !== undefined) {
        const ending = output.endsWith('.json') ? 'json' : 'csv';
        const format = oneOf(options.format ?? ending, 'format', ['csv', 'json']);
        const { body } = await api.exportAccessReport({ query: { ...query, format } });
        const bytes = await saveStream(body, output);
        return done({ file: output, bytes }, `Wrote ${output} (${count(bytes, 'byte')}).`);
      }
      const report = await api.getAccessReport({ query: { ...query, limit: SHOWN } });
      const grants = new Map(report.grants.map((grant) => [grant.id, grant]));
      const rows = report.items.map(({ username, targetName, actions, conditional, grantIds }) => [
        username,
        targetName,
        actions.join(','),
        conditional ? 'from networks or when approved' : '',
        grantIds.map((id) => grantWords(id, grants.get(id))).join('; '),
      ]);
      return done(
        report,
        `At ${new Date(report.at).toISOString()}:`,
        ...report.obstacles.map((obstacle) => `In the way: ${obstacle}.`),
        ...(rows.length === 0 ? ['Nothing could be reached.'] : table(['who', 'machine', 'could', 'only', 'by'], rows)),
        ...(report.total > rows.length
          ? [`The first ${rows.length} of ${report.total}; --output FILE has all of them.`]
          : []),
      );
    },
  }),
];

const SHOWN = 500;

function grantWords(id: string, grant: Grant | undefined): string {
  return grant === undefined ? id : `${id} (${grant.subject.kind} ${grant.subjectName}: ${scopeWords(grant)})`;
}
