import type { SessionTicket, TicketKind, ViewerMode } from '@enchilada/core/session';
import type { TicketRepository } from '@enchilada/core/store';
import type { TicketRow } from '../schema.ts';
import type { Sql } from '../sql.ts';

function toTicket(row: TicketRow): SessionTicket {
  return { ...row, kind: row.kind as TicketKind, mode: row.mode as ViewerMode };
}

export function ticketRepository({ db }: Sql): TicketRepository {
  return {
    async insert(tickets) {
      const rows = tickets.map(({ digest, kind, mode, sessionId, viewerId, loginDigest, expiresAt }) => ({
        digest,
        kind,
        mode,
        sessionId,
        viewerId,
        loginDigest,
        expiresAt,
      }));
      if (rows.length > 0) await db.insertInto('ticket').values(rows).execute();
    },
    /** Who deletes the row has redeemed it. A ticket never changes, so reading it first loses nothing. */
    async redeem(digest, { kind, loginDigest, now }) {
      const row = await db
        .selectFrom('ticket')
        .selectAll()
        .where('digest', '=', digest)
        .where('kind', '=', kind)
        .where('loginDigest', '=', loginDigest)
        .where('expiresAt', '>', now)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const { numDeletedRows } = await db.deleteFrom('ticket').where('digest', '=', digest).executeTakeFirstOrThrow();
      return numDeletedRows === 1n ? toTicket(row) : undefined;
    },
    async deleteExpired(now) {
      return Number(
        (await db.deleteFrom('ticket').where('expiresAt', '<=', now).executeTakeFirstOrThrow()).numDeletedRows,
      );
    },
  };
}
