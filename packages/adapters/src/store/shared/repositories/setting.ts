import type { SettingRepository } from '@enchilada/core/store';
import { prepared } from '../prepared-query.ts';
import { insertOnce, type Sql } from '../sql.ts';

export function settingRepository({ db, traits, atomic }: Sql): SettingRepository {
  const everything = prepared(db, () => db.selectFrom('setting').selectAll().orderBy('name'));
  return {
    async get(key) {
      return (await db.selectFrom('setting').select('value').where('name', '=', key).executeTakeFirst())?.value;
    },
    set: (key, value) =>
      atomic(async (tx) => {
        const replace = tx.updateTable('setting').set({ value }).where('name', '=', key);
        if ((await replace.executeTakeFirstOrThrow()).numUpdatedRows === 1n) return;
        if (!(await insertOnce(traits, tx.insertInto('setting').values({ name: key, value })))) await replace.execute();
      }),
    async all() {
      const { rows } = await everything();
      return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
    },
  };
}
