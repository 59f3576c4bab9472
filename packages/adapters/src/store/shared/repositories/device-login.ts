import type { DeviceLogin, DeviceLoginState } from '@enchilada/core/identity';
import type { DeviceLoginRepository } from '@enchilada/core/store';
import type { DeviceLoginRow } from '../schema.ts';
import { changedOne, raiseCounter, type Sql } from '../sql.ts';

function toDeviceLogin(row: DeviceLoginRow): DeviceLogin {
  return { ...row, state: row.state as DeviceLoginState, loginDigest: row.loginDigest ?? undefined };
}

export function deviceLoginRepository({ db, traits, atomic }: Sql): DeviceLoginRepository {
  return {
    insert: (login, most) =>
      atomic(async (tx) => {
        // One at a time, so that those who ask at once count each other.
        await raiseCounter({ traits }, tx, 'device-login');
        const { kept } = await tx
          .selectFrom('deviceLogin')
          .select(({ fn }) => fn.countAll().as('kept'))
          .executeTakeFirstOrThrow();
        if (Number(kept) >= most) return false;
        await tx
          .insertInto('deviceLogin')
          .values({ ...login, loginDigest: login.loginDigest ?? null })
          .execute();
        return true;
      }),
    async findAsked(userDigest, now) {
      const row = await db
        .selectFrom('deviceLogin')
        .selectAll()
        .where('userDigest', '=', userDigest)
        .where('state', '=', 'asked')
        .where('expiresAt', '>', now)
        .executeTakeFirst();
      return row && toDeviceLogin(row);
    },
    async decide(userDigest, { state, loginDigest, expiresAt }, now) {
      const result = await db
        .updateTable('deviceLogin')
        .set({ state, loginDigest: loginDigest ?? null, expiresAt })
        .where('userDigest', '=', userDigest)
        .where('state', '=', 'asked')
        .where('expiresAt', '>', now)
        .executeTakeFirstOrThrow();
      return changedOne(result);
    },
    async poll(deviceDigest, slowDownMs, now) {
      const row = await db
        .selectFrom('deviceLogin')
        .selectAll()
        .where('deviceDigest', '=', deviceDigest)
        .where('expiresAt', '>', now)
        .executeTakeFirst();
      // Whoever guesses writes nothing.
      if (row === undefined) return undefined;
      const login = toDeviceLogin(row);
      const noted = await db
        .updateTable('deviceLogin')
        .set({ polledAt: now })
        .where('deviceDigest', '=', deviceDigest)
        .where((eb) => eb(eb('polledAt', '+', eb.ref('intervalMs')), '<=', now))
        .executeTakeFirstOrThrow();
      if (changedOne(noted)) return { login: { ...login, polledAt: now }, isTooSoon: false };
      await db
        .updateTable('deviceLogin')
        .set((eb) => ({ intervalMs: eb('intervalMs', '+', slowDownMs) }))
        .where('deviceDigest', '=', deviceDigest)
        .execute();
      return { login: { ...login, intervalMs: login.intervalMs + slowDownMs }, isTooSoon: true };
    },
    async redeem(deviceDigest, now) {
      const { numDeletedRows } = await db
        .deleteFrom('deviceLogin')
        .where('deviceDigest', '=', deviceDigest)
        .where('state', '=', 'approved')
        .where('expiresAt', '>', now)
        .executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },
    async deleteExpired(now) {
      await db.deleteFrom('deviceLogin').where('expiresAt', '<=', now).execute();
    },
  };
}
