import { readDeliveryProblem, type Notification, type NotificationEndpoint } from '@enchilada/core/notification';
import type { NotificationRepository } from '@enchilada/core/store';
import { pageSize } from '../page.ts';
import { prepared } from '../prepared-query.ts';
import type { NotificationEndpointRow } from '../schema.ts';
import { changedOne, nextVersion, nameKey, type Sql, toBuffer, toBytes } from '../sql.ts';

function toEndpoint({ nameKey: _key, secretKeyId, secret, ...row }: NotificationEndpointRow): NotificationEndpoint {
  return {
    ...row,
    parameters: JSON.parse(row.parameters) as NotificationEndpoint['parameters'],
    secret: secretKeyId === null || secret === null ? undefined : { keyId: secretKeyId, bytes: toBytes(secret) },
    enabled: row.enabled === 1,
    deliveredAt: row.deliveredAt ?? undefined,
    problem: row.problem === null ? undefined : readDeliveryProblem(row.problem),
  };
}

function toRow(endpoint: NotificationEndpoint): NotificationEndpointRow {
  const { secret, deliveredAt, problem } = endpoint;
  return {
    ...endpoint,
    nameKey: nameKey(endpoint.name),
    parameters: JSON.stringify(endpoint.parameters),
    secretKeyId: secret?.keyId ?? null,
    secret: secret === undefined ? null : toBuffer(secret.bytes),
    enabled: endpoint.enabled ? 1 : 0,
    deliveredAt: deliveredAt ?? null,
    problem: problem === undefined ? null : JSON.stringify(problem),
  };
}

export function notificationRepository({ db }: Sql): NotificationRepository {
  const dueAt = prepared(db, (now: number) =>
    db
      .selectFrom('notificationQueue')
      .select('endpointId')
      .where('nextAt', '<=', now)
      .groupBy('endpointId')
      .orderBy((eb) => eb.fn.min('nextAt'))
      .orderBy('endpointId'),
  );
  async function findEndpoint(id: string): Promise<NotificationEndpoint | undefined> {
    const row = await db.selectFrom('notificationEndpoint').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toEndpoint(row);
  }
  return {
    findEndpoint,
    async insertEndpoint(endpoint) {
      await db.insertInto('notificationEndpoint').values(toRow(endpoint)).execute();
    },
    async listEndpoints() {
      const rows = await db.selectFrom('notificationEndpoint').selectAll().orderBy('nameKey').execute();
      return rows.map(toEndpoint);
    },
    updateEndpoint: (endpoint) =>
      nextVersion(endpoint, {
        kind: 'endpoint',
        find: () => findEndpoint(endpoint.id),
        update: (next) => {
          const { id, ...columns } = toRow(next);
          return db.updateTable('notificationEndpoint').set(columns).where('id', '=', id);
        },
      }),
    async deleteEndpoint(id) {
      const { numDeletedRows } = await db
        .deleteFrom('notificationEndpoint')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },
    async noteOutcome(id, outcome) {
      const set =
        'at' in outcome ? { deliveredAt: outcome.at, problem: null } : { problem: JSON.stringify(outcome.problem) };
      await db.updateTable('notificationEndpoint').set(set).where('id', '=', id).execute();
    },
    async queue(entries) {
      if (entries.length === 0) return;
      const rows = entries.map(({ notification, ...entry }) => ({ ...entry, body: JSON.stringify(notification) }));
      await db.insertInto('notificationQueue').values(rows).execute();
    },
    async endpointsDue(now) {
      const { rows } = await dueAt(now);
      return rows.map(({ endpointId }) => endpointId);
    },
    async due(endpoint, now, limit) {
      const rows = await db
        .selectFrom('notificationQueue')
        .selectAll()
        .where('endpointId', '=', endpoint)
        .where('nextAt', '<=', now)
        .orderBy('nextAt')
        .orderBy('id')
        .limit(pageSize({ limit }))
        .execute();
      return rows.map(({ body, ...row }) => ({ ...row, notification: JSON.parse(body) as Notification }));
    },
    async take({ id, attempts, nextAt: seen }, nextAt) {
      const taken = db
        .updateTable('notificationQueue')
        .set({ attempts: attempts + 1, nextAt })
        .where('id', '=', id)
        .where('attempts', '=', attempts)
        .where('nextAt', '=', seen);
      return changedOne(await taken.executeTakeFirstOrThrow());
    },
    async remove(id) {
      await db.deleteFrom('notificationQueue').where('id', '=', id).execute();
    },
    async postpone(id, nextAt) {
      await db.updateTable('notificationQueue').set({ nextAt }).where('id', '=', id).execute();
    },
  };
}
