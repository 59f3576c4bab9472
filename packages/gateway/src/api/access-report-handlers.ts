import type { AccessReport, RouteInput } from '@enchilada/contract';
import type { Grant } from '@enchilada/core/access';
import type { AuditRecord } from '@enchilada/core/audit';
import { escapeJson, escapeText } from '@enchilada/core/text';
import { pastMoment, type PastMoment } from '../access/policy-moment.ts';
import { everyReach } from '../access/every-reach.ts';
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

/** Found and judged, and not necessarily read yet. */
interface File {
  readonly at: number;
  readonly moment: PastMoment;
  readonly question: Question;
  readonly rows: number;
  readonly reaches: Iterable<Reach> | AsyncIterable<Reach>;
  readonly obstacles: Reached['obstacles'];
}

export function accessReportHandlers({
  store,
  audit,
}: ApiParts): Pick<Handlers, 'getAccessReport' | 'measureAccessReport' | 'exportAccessReport'> {
  /** Always from the history: what held now would be judged by its own ways, and is in the history too. */
  async function momentOf(asked: number | undefined): Promise<{ readonly at: number; readonly moment: PastMoment }> {
    const at = asked ?? (await store.clock());
    return { at, moment: await pastMoment(store, at) };
  }

  async function fileOf({ at: asked, ...question }: Question): Promise<File> {
    const { at, moment } = await momentOf(asked);
    if (question.user === undefined && question.target === undefined)
      return { at, moment, question, ...(await everyReach(moment)), obstacles: [] };
    const { reaches, obstacles } = await reachAt(moment, question);
    return { at, moment, question, rows: reaches.length, reaches, obstacles };
  }

  return {
    getAccessReport: async (_context, { query }) => {
      const { limit = USUAL_LIMIT, at: asked, ...question } = query;
      const { at, moment } = await momentOf(asked);
      const { reaches, obstacles, userId, targetId } = await reachAt(moment, question);
      const shown = reaches.slice(0, limit);
      const grants = new Map(shown.flatMap(({ giving }) => giving.map((grant) => [grant.id, grant] as const)));
      return {
        ...{ at, items: shown.map(itemOf), total: reaches.length, obstacles: [...obstacles] },
        ...(userId === undefined ? {} : { userId }),
        ...(targetId === undefined ? {} : { targetId }),
        grants: [...(await grantViews(moment.names, [...grants.values()]))],
      };
    },

    measureAccessReport: async (_context, { query }) => {
      const { at, rows } = await fileOf(query);
      return { at, rows };
    },

    exportAccessReport: async (context, { query }) => {
      const { format, ...question } = query;
      const file = await fileOf(question);
      const at = new Date(file.at).toISOString();
      const { rows } = file;
      const record = await audit.append({
        action: 'access.exported',
        ...actorOf(context),
        outcome: 'success',
        detail: { format, ...file.question, at, rows },
      });
      return {
        bytes: inPieces((format === 'csv' ? csvOf : jsonOf)(file, record)),
        mediaType: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json; charset=utf-8',
        filename: `access-${at.replaceAll(':', '-')}.${format}`,
      };
    },
  };
}

const PIECE = 32_768;

async function* inPieces(text: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let held = '';
  for await (const line of text) {
    held += line;
    if (held.length < PIECE) continue;
    yield Buffer.from(held);
    held = '';
  }
  yield Buffer.from(held);
}

function itemOf({ person, machine, actions, giving, isConditional }: Reach): AccessReport['items'][number] {
  return {
    ...{ userId: person.id, username: person.username, displayName: person.displayName },
    ...{ targetId: machine.id, targetName: machine.name, actions: [...actions] },
    ...{ grantIds: giving.map(({ id }) => id), conditional: isConditional },
  };
}

/** Each row says the moment and the record, so that none is worth less without the others; where there is nothing, one row says so. */
async function* csvOf(
  { at, moment, question, rows, reaches, obstacles }: File,
  record: AuditRecord,
): AsyncGenerator<string> {
  const names = new Map<string, string>();
  const nameOf = async (grant: Grant): Promise<string> => {
    const name = names.get(grant.id) ?? (await grantName(moment.names, grant));
    names.set(grant.id, name);
    return name;
  };
  const line = (fields: readonly (string | number | boolean | undefined)[]): string => {
    const all = [new Date(at).toISOString(), ...fields, obstacles.join(' '), record.node, record.sequence, record.hash];
    return `${all.map((field) => csvField(typeof field === 'string' ? escapeText(field) : field)).join(',')}\r\n`;
  };
  yield `${CSV_COLUMNS.join(',')}\r\n`;
  if (rows === 0) yield line([question.user, '', '', question.target, '', '', '', '', '']);
  for await (const { person, machine, actions, giving, isConditional } of reaches) {
    const named: string[] = [];
    for (const grant of giving) named.push(await nameOf(grant));
    yield line([
      ...[person.username, person.displayName, person.id, machine.name, machine.id],
      ...[actions.join(' '), isConditional, giving.map(({ id }) => id).join(' '), named.join('; ')],
    ]);
  }
}

async function* jsonOf(
  { at, moment, question: { user, target }, reaches, obstacles }: File,
  { node, sequence, hash, at: madeAt }: AuditRecord,
): AsyncGenerator<string> {
  const head = {
    ...{ at: new Date(at).toISOString(), madeAt: new Date(madeAt).toISOString(), user, target },
    ...{ audit: { node, sequence, hash }, obstacles },
  };
  yield `${escapeJson(head).slice(0, -1)},"items":[`;
  const grants = new Map<string, Grant>();
  let between = '';
  for await (const reach of reaches) {
    for (const grant of reach.giving) grants.set(grant.id, grant);
    yield `${between}\n${escapeJson(itemOf(reach))}`;
    between = ',';
  }
  yield `],"grants":${escapeJson(await grantViews(moment.names, [...grants.values()]))}}\n`;
}
