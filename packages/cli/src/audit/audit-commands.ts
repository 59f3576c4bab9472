import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { command, type Outcome, done } from '../frame/command.ts';
import { escapeJsonText } from '@enchilada/core/text';
import { count, table, when } from '../frame/table.ts';
import { moment, oneOf, wholeNumber } from '../catalog/assignments.ts';
import { allPages } from '../catalog/find.ts';
import { saveStream } from '../recordings/save-stream.ts';
import { verifyAuditLines } from './verify-chain.ts';

const OUTCOMES = ['success', 'failure', 'denied'] as const;
const FILTERS = {
  action: { type: 'string', value: 'ACTION', says: 'such as session.opened' },
  actor: { type: 'string', value: 'NAME', says: 'who did it, by name or id' },
  object: { type: 'string', value: 'NAME', says: 'to what it was done, by name or id' },
  outcome: { type: 'string', value: 'OUTCOME', says: OUTCOMES.join(', ') },
  address: { type: 'string', value: 'ADDRESS', says: "the client's address" },
  text: { type: 'string', value: 'TEXT', says: 'text anywhere in the record' },
  from: { type: 'string', value: 'TIME', says: 'at this time or later' },
  to: { type: 'string', value: 'TIME', says: 'before this time' },
} as const;

type FilterOptions = { readonly [K in keyof typeof FILTERS]?: string };

function filterOf(options: FilterOptions) {
  const { action, actor, object, address, text, outcome, from, to } = options;
  const words = Object.fromEntries(
    Object.entries({ action, actor, object, address, text }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
  return {
    ...words,
    ...(outcome === undefined ? {} : { outcome: oneOf(outcome, 'outcome', OUTCOMES) }),
    ...(from === undefined ? {} : { from: moment(from, 'from') }),
    ...(to === undefined ? {} : { to: moment(to, 'to') }),
  };
}

/** Lines as they came, but with nothing in them that a terminal obeys; what is JSON keeps its meaning. */
async function printLines(body: Readable, print: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: body, crlfDelay: Infinity })) print(escapeJsonText(line));
}

async function verifyFile(path: string, stdin: Readable): Promise<Outcome> {
  const input = path === '-' ? stdin : createReadStream(path);
  // readline swallows the stream's error, so it is awaited beside the lines.
  const failed = new Promise<never>((_, reject) => input.once('error', reject));
  const report = await Promise.race([failed, verifyAuditLines(createInterface({ input, crlfDelay: Infinity }))]);
  const rows = report.chains.map((chain) => [
    chain.node,
    chain.records,
    `${chain.firstSequence}-${chain.lastSequence}`,
    chain.findings.length === 0 ? 'intact' : 'BROKEN',
    chain.lastHash,
  ]);
  const findings = [...report.findings, ...report.chains.flatMap((chain) => chain.findings)].map(
    ({ line, message }) => `line ${line}: ${message}`,
  );
  const cut = report.chains
    .filter(({ firstSequence }) => firstSequence !== 1)
    .map(
      ({ node, firstSequence }) => `${node} begins at record ${firstSequence}: what came before is not in this file.`,
    );
  const none = report.chains.length === 0 ? ['The file holds no audit record.'] : [];
  return {
    value: report,
    lines: [...none, ...table(['node', 'records', 'sequence', 'chain', 'last hash'], rows), ...findings, ...cut],
    exitCode: report.intact ? 0 : 5,
  };
}

export const auditCommands = [
  command('audit list', {
    summary: 'List audit records, the newest first.',
    options: { ...FILTERS, limit: { type: 'string', value: 'COUNT', says: 'how many; 100 if left out' } },
    async run({ options, client }) {
      const most = wholeNumber(options.limit ?? '100', 'limit', { minimum: 1, maximum: 1_000_000 });
      const query = { ...filterOf(options), limit: Math.min(most, 500) };
      const { api } = await client();
      const items = await allPages((cursor) => api.listAudit({ query: { ...query, ...cursor } }), most);
      const rows = items.map((one) => [
        when(one.at),
        one.actor.name ?? one.actor.kind,
        one.address,
        one.action,
        one.object?.name ?? one.object?.id,
        one.outcome,
        one.reason,
      ]);
      return done({ items }, ...table(['at', 'who', 'from', 'action', 'object', 'outcome', 'reason'], rows));
    },
  }),
  command('audit export', {
    summary: 'Fetch the audit log, the oldest record first, as JSON lines or CSV.',
    options: {
      ...FILTERS,
      format: { type: 'string', value: 'FORMAT', says: 'jsonl or csv; jsonl if left out' },
      output: { type: 'string', value: 'FILE', says: 'where to; standard output if left out' },
    },
    details: [
      'An export as JSON lines without a filter can be verified offline with enchilada audit verify FILE. Control characters are printed as escapes.',
    ],
    async run({ io, options, client }) {
      const { api } = await client();
      const format = oneOf(options.format ?? 'jsonl', 'format', ['jsonl', 'csv']);
      const response = await api.exportAudit({ query: { ...filterOf(options), format } });
      if (options.output === undefined || options.output === '-') {
        await printLines(response.body, (line) => void io.stdout.write(`${line}\n`));
        return { value: undefined, lines: [] };
      }
      const bytes = await saveStream(response.body, options.output);
      return done({ file: options.output, bytes }, `Wrote ${options.output} (${count(bytes, 'byte')}).`);
    },
  }),
  command('audit verify', {
    summary: 'Recompute the hash chains: offline from an export, or by the server where no file is named.',
    words: ['FILE?'],
    details: [
      'FILE is an export as JSON lines; - is standard input. The exit code is 5 where a chain is broken.',
      'Keep the last hash of each node that a run prints: a later export must still hold it, or the end of the log was cut off or rewritten.',
    ],
    async run({ io, words: [path], client }) {
      if (path !== undefined) return verifyFile(path, io.stdin);
      const { api } = await client();
      const report = await api.verifyAudit();
      const rows = report.chains.map((chain) => [
        chain.node,
        chain.records,
        chain.intact ? 'intact' : 'BROKEN',
        chain.brokenAt,
        chain.problem,
      ]);
      return {
        value: report,
        lines: table(['node', 'records', 'chain', 'broken at', 'problem'], rows),
        exitCode: report.intact ? 0 : 5,
      };
    },
  }),
];
