import type { Settlement } from '@enchilada/core/identity';
import type { SettlementRepository } from '@enchilada/core/store';
import { sql as raw } from 'kysely';
import { pageSize } from '../page.ts';
import { changedOne, clockOf, type Sql } from '../sql.ts';

export function settlementRepository({ db, traits }: Sql): SettlementRepository {
  const after = (leaseMs: number) => raw<number>`${clockOf(traits)} + ${leaseMs}`;
  return {
    async add({ id, ...body }, leaseMs) {
      const told = body.event === undefined ? 1 : 0;
      await db
        .insertInto('settlement')
        .values({ id, dueAt: after(leaseMs), told, body: JSON.stringify(body) })
        .execute();
    },
    async take(leaseMs, limit) {
      const due = await db
        .selectFrom('settlement')
        .selectAll()
        .where('dueAt', '<=', clockOf(traits))
        .orderBy('dueAt')
        .orderBy('id')
        .limit(pageSize({ limit }))
        .execute();
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
    async keep({ id, event }, leaseMs) {
      const told = event === undefined ? 1 : 0;
      await db
        .updateTable('settlement')
        .set({ dueAt: after(leaseMs), told })
        .where('id', '=', id)
        .execute();
    },
    async remove(id) {
      await db.deleteFrom('settlement').where('id', '=', id).execute();
    },
  };
}
