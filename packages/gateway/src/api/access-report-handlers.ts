import type { AccessReport, RouteInput } from '@enchilada/contract';
import type { Grant } from '@enchilada/core/access';
import type { AuditRecord } from '@enchilada/core/audit';
import { escapeJson, escapeText } from '@enchilada/core/text';
import { pastMoment, type PastMoment } from '../access/policy-moment.ts';
import { type Reach, reachAt, type Reached } from '../access/reach.ts';
import { actorOf, type Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { csvField } from './csv.ts';
import { grantName, grantViews } from './grant-view.ts';

const USUAL_LIMIT = 100;
const CSV_COLUMNS = [
  'at',
  'username',
  'displayName',
  'userId',
  'machine',
  'machineId',
  'actions',
  'conditional',
  'grantIds',
  'grants',
  'obstacles',
  'auditNode',
  'auditSequence',
  'auditHash',
];

type Question = Pick<RouteInput<'getAccessReport'>['query'], 'at' | 'user' | 'target'>;

interface Judged extends Reached {
  readonly at: number;
  readonly moment: PastMoment;
}

export function accessReportHandlers({
  store,
  audit,
}: ApiParts): Pick<Handlers, 'getAccessReport' | 'exportAccessReport'> {
  /** Always from the history: what held now would be judged by its own ways, and is in the history too. */
  async function judged({ at: asked, ...question }: Question): Promise<Judged> {
    const at = asked ?? (await store.clock());
    const moment = await pastMoment(store, at);
    return { at, moment, ...(await reachAt(moment, question)) };
  }

  return {
    getAccessReport: async (_context, { query }) => {
      const { limit = USUAL_LIMIT, ...question } = query;
      const { at, moment, reaches, obstacles } = await judged(question);
      const shown = reaches.slice(0, limit);
      return {
        ...{ at, items: shown.map(itemOf), total: reaches.length, obstacles: [...obstacles] },
        grants: [...(await grantViews(moment.names, grantsOf(shown)))],
      };
    },

    exportAccessReport: async (context, { query }) => {
      const { format, ...question } = query;
      const report = await judged(question);
      const record = await audit.append({
        action: 'access.exported',
        ...actorOf(context),
        outcome: 'success',
        detail: { format, ...question, at: new Date(report.at).toISOString(), rows: report.reaches.length },
      });
      return {
        bytes: utf8((format === 'csv' ? csvOf : jsonOf)(report, question, record)),
        mediaType: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json; charset=utf-8',
        filename: `access-${new Date(report.at).toISOString().replaceAll(':', '-')}.${format}`,
      };
    },
  };
}

async function* utf8(text: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const piece of text) yield Buffer.from(piece);
}

function itemOf({ person, machine, actions, giving, isConditional }: Reach): AccessReport['items'][number] {
  return {
    ...{ userId: person.id, username: person.username, displayName: person.displayName },
    ...{ targetId: machine.id, targetName: machine.name, actions: [...actions] },
    ...{ grantIds: giving.map(({ id }) => id), conditional: isConditional },
  };
}

function grantsOf(reaches: readonly Reach[]): readonly Grant[] {
  return [...new Map(reaches.flatMap(({ giving }) => giving.map((grant) => [grant.id, grant] as const))).values()];
}

/** Each row says the moment and the record, so that none is worth less without the others; where there is nothing, one row says so. */
async function* csvOf(
  { at, moment, reaches, obstacles }: Judged,
  { user, target }: Question,
  record: AuditRecord,
): AsyncGenerator<string> {
  const named = new Map<string, string>();
  for (const grant of grantsOf(reaches)) named.set(grant.id, await grantName(moment.names, grant));
  const line = (fields: readonly (string | number | boolean | undefined)[]): string => {
    const all = [new Date(at).toISOString(), ...fields, obstacles.join(' '), record.node, record.sequence, record.hash];
    return `${all.map((field) => csvField(typeof field === 'string' ? escapeText(field) : field)).join(',')}\r\n`;
  };
  yield `${CSV_COLUMNS.join(',')}\r\n`;
  if (reaches.length === 0) yield line([user, '', '', target, '', '', '', '', '']);
  for (const { person, machine, actions, giving, isConditional } of reaches)
    yield line([
      ...[person.username, person.displayName, person.id, machine.name, machine.id],
      ...[actions.join(' '), isConditional, giving.map(({ id }) => id).join(' ')],
      giving.map(({ id }) => named.get(id) ?? id).join('; '),
    ]);
}

async function* jsonOf(
  { at, moment, reaches, obstacles }: Judged,
  { user, target }: Question,
  { node, sequence, hash, at: madeAt }: AuditRecord,
): AsyncGenerator<string> {
  const report = {
    ...{ at: new Date(at).toISOString(), madeAt: new Date(madeAt).toISOString(), user, target },
    ...{ audit: { node, sequence, hash }, obstacles, items: reaches.map(itemOf) },
    grants: await grantViews(moment.names, grantsOf(reaches)),
  };
  yield `${escapeJson(report)}\n`;
}
