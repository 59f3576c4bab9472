import { createHash } from 'node:crypto';
import type { ThrottleRepository } from '@enchilada/core/store';
import { insertOnce, type Sql } from '../sql.ts';

const MOST_TRIES = 20;

/** People type passwords where the name belongs: keys are kept as digests, which also bounds their length. */
function digestOf(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}

export function throttleRepository({ db, traits, atomic }: Sql): ThrottleRepository {
  return {
    count: (key, now, windowMs) =>
      atomic(async (tx) => {
        const keyDigest = digestOf(key);
        const oldest = now - windowMs;
        const count = () =>
          tx
            .updateTable('throttle')
            // Some servers evaluate assignments from left to right: attempts must see the window as it was.
            .set((eb) => ({
              attempts: eb
                .case()
                .when('windowStartedAt', '<', oldest)
                .then(1)
                .else(eb('attempts', '+', 1))
                .end(),
              windowStartedAt: eb
                .case()
                .when('windowStartedAt', '<', oldest)
                .then(now)
                .else(eb.ref('windowStartedAt'))
                .end(),
            }))
            .where('keyDigest', '=', keyDigest)
            .executeTakeFirstOrThrow();
        // Whoever signs in clears the counter: it may go between any two statements until the update holds its row.
        for (let tries = 0; tries < MOST_TRIES && (await count()).numUpdatedRows === 0n; tries++)
          await insertOnce(traits, tx.insertInto('throttle').values({ keyDigest, windowStartedAt: now, attempts: 0 }));
        const row = await tx
          .selectFrom('throttle')
          .select(['attempts', 'windowStartedAt'])
          .where('keyDigest', '=', keyDigest)
          .executeTakeFirstOrThrow();
        return { count: row.attempts, windowStartedAt: row.windowStartedAt };
      }),
    async peek(key, now, windowMs) {
      const row = await db
        .selectFrom('throttle')
        .select('attempts')
        .where('keyDigest', '=', digestOf(key))
        .where('windowStartedAt', '>=', now - windowMs)
        .executeTakeFirst();
      return row?.attempts ?? 0;
    },
    async clear(key) {
      await db.deleteFrom('throttle').where('keyDigest', '=', digestOf(key)).execute();
    },
    async deleteOlderThan(time) {
      await db.deleteFrom('throttle').where('windowStartedAt', '<', time).execute();
    },
  };
}
