import type { AuditRecord as AuditView, RouteInput } from '@enchilada/contract';
import type { AuditRecord } from '@enchilada/core/audit';
import type { AuditQuery } from '@enchilada/core/store';
import { escapeJson, escapeText } from '@enchilada/core/text';
import { actorOf, type Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { csvField } from './csv.ts';

type SystemHandlers = Pick<
  Handlers,
  'listAudit' | 'exportAudit' | 'verifyAudit' | 'getSettings' | 'setSettings' | 'listNodes'
>;

const EXPORT_PAGE = 500;
const NODE_ALIVE_MS = 20_000;
const CSV_COLUMNS = [
  'at',
  'node',
  'sequence',
  'action',
  'outcome',
  'actorKind',
  'actorId',
  'actorName',
  'address',
  'objectKind',
  'objectId',
  'objectName',
  'reason',
  'detail',
  'hash',
];

function viewOf(record: AuditRecord): AuditView {
  return {
    ...record,
    actor: { ...record.actor },
    ...(record.detail === undefined ? {} : { detail: { ...record.detail } }),
  };
}

function csvLine(record: AuditRecord): string {
  const { actor, object } = record;
  const actorId = actor.kind === 'user' ? actor.id : undefined;
  const fields = [
    new Date(record.at).toISOString(),
    record.node,
    record.sequence,
    record.action,
    record.outcome,
    actor.kind,
    actorId,
    actor.name,
    record.address,
    object?.kind,
    object?.id,
    object?.name,
    record.reason,
    record.detail === undefined ? undefined : JSON.stringify(record.detail),
    record.hash,
  ];
  return `${fields.map((field) => csvField(typeof field === 'string' ? escapeText(field) : field)).join(',')}\r\n`;
}

export function systemHandlers(parts: ApiParts): SystemHandlers {
  const { store, audit, settings, nodeId } = parts;

  async function* exported({ format, ...filter }: RouteInput<'exportAudit'>['query']): AsyncGenerator<Uint8Array> {
    if (format === 'csv') yield Buffer.from(`${CSV_COLUMNS.join(',')}\r\n`);
    let cursor: string | undefined;
    do {
      const query: AuditQuery = {
        ...filter,
        order: 'oldest',
        limit: EXPORT_PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      };
      const page = await store.now.audit.list(query);
      yield Buffer.from(page.items.map(format === 'csv' ? csvLine : (record) => `${escapeJson(record)}\n`).join(''));
      cursor = page.next;
    } while (cursor !== undefined);
  }

  function describeSettings() {
    return { values: settings.current, fixed: [...settings.fixed], weakenings: [...settings.weakenings] };
  }

  return {
    listAudit: async (_context, { query }) => {
      const page = await store.now.audit.list({ ...query, limit: query.limit ?? 100 });
      return { items: page.items.map(viewOf), ...(page.next === undefined ? {} : { next: page.next }) };
    },

    exportAudit: async (context, { query }) => {
      const { format, ...filter } = query;
      await audit.append({
        action: 'audit.exported',
        ...actorOf(context),
        outcome: 'success',
        detail: { format, filter: JSON.stringify(filter).slice(0, 1000) },
      });
      const mediaType = format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson';
      return { bytes: exported(query), mediaType, filename: `audit.${format}` };
    },

    verifyAudit: async (context) => {
      const result = await parts.verifyAudit();
      await audit.append({
        action: 'audit.verified',
        ...actorOf(context),
        outcome: result.intact ? 'success' : 'failure',
        detail: { chains: result.chains.length },
      });
      return result;
    },

    getSettings: async () => {
      await settings.refresh();
      return describeSettings();
    },

    setSettings: async (context, { body }) => {
      const changed = await settings.change(body);
      const detail = Object.fromEntries(
        changed.map((key) => [
          key,
          typeof settings.current[key] === 'string'
            ? String(settings.current[key]).slice(0, 500)
            : settings.current[key],
        ]),
      );
      await audit.append({ action: 'settings.updated', ...actorOf(context), outcome: 'success', detail });
      return describeSettings();
    },

    listNodes: async () => {
      const [nodes, now] = await Promise.all([store.now.nodes.list(), store.clock()]);
      return {
        items: nodes.map((node) => ({
          ...node,
          alive: now - node.heartbeatAt < NODE_ALIVE_MS,
          self: node.id === nodeId,
        })),
      };
    },
  };
}
