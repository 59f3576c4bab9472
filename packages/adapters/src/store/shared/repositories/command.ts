import type { CommandRepository, NodeCommand } from '@enchilada/core/store';
import { pageSize } from '../page.ts';
import { prepared } from '../prepared-query.ts';
import { raiseCounter, type Sql } from '../sql.ts';

export function commandRepository(sql: Sql): CommandRepository {
  const { db, atomic } = sql;
  const counters = prepared(db, () => db.selectFrom('counter').selectAll().where('name', 'in', ['command', 'catalog']));
  return {
    /** INVARIANT: numbers come from a locked counter and not from the database's own sequence, which shows 6 before 5 is committed. */
    post: (command, at) =>
      atomic(async (tx) => {
        const sequence = await raiseCounter(sql, tx, 'command');
        await tx
          .insertInto('command')
          .values({ sequence, postedAt: at, body: JSON.stringify(command) })
          .execute();
      }),
    async after(sequence, limit) {
      const rows = await db
        .selectFrom('command')
        .selectAll()
        .where('sequence', '>', sequence)
        .orderBy('sequence')
        .limit(pageSize({ limit }))
        .execute();
      return rows.map((row) => ({ sequence: row.sequence, command: JSON.parse(row.body) as NodeCommand }));
    },
    async news() {
      const { rows } = await counters();
      const of = (name: string): number => rows.find((row) => row.name === name)?.value ?? 0;
      return { lastSequence: of('command'), catalogVersion: of('catalog') };
    },
    async deleteOlderThan(time) {
      await db.deleteFrom('command').where('postedAt', '<', time).execute();
    },
  };
}
