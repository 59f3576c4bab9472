import type { Invitation } from '@enchilada/core/session';
import type { InvitationRepository } from '@enchilada/core/store';
import type { InvitationRow } from '../schema.ts';
import type { Sql } from '../sql.ts';

function toInvitation(row: InvitationRow): Invitation {
  return { ...row, guestId: row.guestId ?? undefined };
}

export function invitationRepository({ db }: Sql): InvitationRepository {
  return {
    async insert(invitation) {
      await db.deleteFrom('sessionInvitation').where('expiresAt', '<=', invitation.createdAt).execute();
      await db
        .insertInto('sessionInvitation')
        .values({ ...invitation, guestId: invitation.guestId ?? null })
        .execute();
    },
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
    async listFor(guestId, now) {
      const rows = await db
        .selectFrom('sessionInvitation')
        .selectAll()
        .where('guestId', '=', guestId)
        .where('expiresAt', '>', now)
        .orderBy('createdAt')
        .orderBy('id')
        .execute();
      return rows.map(toInvitation);
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
