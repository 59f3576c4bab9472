import type { Invitation } from '@enchilada/core/session';
import type { InvitationRepository } from '@enchilada/core/store';
import type { InvitationRow } from '../schema.ts';
import { raiseCounter, type Sql } from '../sql.ts';

function toInvitation(row: InvitationRow): Invitation {
  return { ...row, guestId: row.guestId ?? undefined };
}

export function invitationRepository(sql: Sql): InvitationRepository {
  const { db, atomic } = sql;
  return {
    /** INVARIANT: the counter is raised first, so that whoever counts afterwards is alone. */
    insertWithin: (invitation, most) =>
      atomic(async (tx) => {
        const { sessionId, createdAt, guestId } = invitation;
        await raiseCounter(sql, tx, 'invitations');
        await tx.deleteFrom('sessionInvitation').where('expiresAt', '<=', createdAt).execute();
        const { count } = await tx
          .selectFrom('sessionInvitation')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .where('sessionId', '=', sessionId)
          .executeTakeFirstOrThrow();
        if (count >= most) return false;
        await tx
          .insertInto('sessionInvitation')
          .values({ ...invitation, guestId: guestId ?? null })
          .execute();
        return true;
      }),
    async listOf(sessionId, now) {
      const rows = await db
        .selectFrom('sessionInvitation')
        .selectAll()
        .where('sessionId', '=', sessionId)
        .where('expiresAt', '>', now)
        .orderBy('createdAt')
        .orderBy('id')
        .execute();
      return rows.map(toInvitation);
    },
    async sessionsFor(guestId, now) {
      const rows = await db
        .selectFrom('sessionInvitation')
        .innerJoin('session', 'session.id', 'sessionInvitation.sessionId')
        .select('session.id')
        .distinct()
        .where('sessionInvitation.guestId', '=', guestId)
        .where('sessionInvitation.expiresAt', '>', now)
        .where('session.endedAt', 'is', null)
        .orderBy('session.id')
        .execute();
      return rows.map(({ id }) => id);
    },
    async delete(sessionId, id) {
      const { numDeletedRows } = await db
        .deleteFrom('sessionInvitation')
        .where('sessionId', '=', sessionId)
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },
  };
}
