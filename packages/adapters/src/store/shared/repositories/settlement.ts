import type { Settlement } from '@enchilada/core/identity';
import type { SettlementRepository } from '@enchilada/core/store';
import { sql as raw } from 'kysely';
import { pageSize } from '../page.ts';
import { prepared } from '../prepared-query.ts';
import { changedOne, clockOf, partsOf, type Sql } from '../sql.ts';

export function settlementRepository({ db, traits }: Sql): SettlementRepository {
  const after = (leaseMs: number) => raw<number>`${clockOf(traits)} + ${leaseMs}`;
  const dueNow = prepared(db, (limit: number) =>
    db
      .selectFrom('settlement')
      .selectAll()
      .where('dueAt', '<=', clockOf(traits))
      .orderBy('dueAt')
      .orderBy('id')
      .limit(limit),
  );
  return {
    async add({ id, ...body }, leaseMs) {
      const told = body.event === undefined ? 1 : 0;
      await db
        .insertInto('settlement')
        .values({ id, dueAt: after(leaseMs), told, body: JSON.stringify(body) })
        .execute();
    },
    async take(leaseMs, limit) {
      const { rows: due } = await dueNow(pageSize({ limit }));
      const taken: Settlement[] = [];
      for (const { id, dueAt, told, body } of due) {
        const update = db.updateTable('settlement').set({ dueAt: after(leaseMs) });
        const seen = update.where('id', '=', id).where('dueAt', '=', dueAt);
        if (!changedOne(await seen.executeTakeFirstOrThrow())) continue;
        const settlement = { id, ...(JSON.parse(body) as Omit<Settlement, 'id'>) };
        taken.push(told === 1 ? { ...settlement, event: undefined } : settlement);
      }
      return taken;
    },
    async keep(id, leaseMs) {
      await db
        .updateTable('settlement')
        .set({ dueAt: after(leaseMs) })
        .where('id', '=', id)
        .execute();
    },
    async tell(id) {
      const mark = db.updateTable('settlement').set({ told: 1 }).where('id', '=', id).where('told', '=', 0);
      return changedOne(await mark.executeTakeFirstOrThrow());
    },
    async remove(ids) {
      for (const some of partsOf(ids)) await db.deleteFrom('settlement').where('id', 'in', some).execute();
    },
  };
}
