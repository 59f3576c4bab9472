import type { Session as SessionView, Tickets } from '@enchilada/contract';
import type { SurfaceKind } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { IssuedTickets, SessionRecord, ViewerMode } from '@enchilada/core/session';
import type { Handlers, SignedInContext } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';

type SessionHandlers = Pick<Handlers, 'openSession' | 'issueTickets' | 'listSessions' | 'getSession' | 'endSession'>;

const TICKET_MS = 30_000;

export function sessionHandlers({ store, sessions, clock }: ApiParts): SessionHandlers {
  function view(record: SessionRecord, context: SignedInContext): SessionView {
    const live = sessions.live.find(({ id }) => id === record.id);
    return {
      id: record.id,
      user: { id: record.userId, username: record.username },
      target: { id: record.targetId, name: record.targetName },
      protocol: record.protocol,
      surface: record.surface as SurfaceKind,
      state: live?.state ?? record.state,
      own: record.userId === context.identity.user.id,
      nodeId: record.nodeId,
      address: record.address,
      ...(record.recordingId === undefined ? {} : { recordingId: record.recordingId }),
      requestedAt: record.requestedAt,
      ...(record.openedAt === undefined ? {} : { openedAt: record.openedAt }),
      ...(record.endedAt === undefined ? {} : { endedAt: record.endedAt }),
      ...(record.endReason === undefined ? {} : { endReason: record.endReason }),
      ...(record.endDetail === undefined ? {} : { endDetail: record.endDetail }),
      bytesIn: live?.bytes.in ?? record.bytesIn,
      bytesOut: live?.bytes.out ?? record.bytesOut,
      ...(live === undefined
        ? {}
        : {
            viewers: live.viewers.map(({ identity }) => ({
              viewerId: identity.id,
              username: identity.username,
              mode: identity.mode,
            })),
          }),
    };
  }

  function tickets(issued: IssuedTickets, mode: ViewerMode): Tickets {
    return {
      viewerId: issued.viewerId,
      data: issued.data,
      control: issued.control,
      mode,
      expiresAt: clock.now() + TICKET_MS,
    };
  }

  /** The session, if it is the person's own or they manage all of them. */
  async function visible(context: SignedInContext, id: string): Promise<SessionRecord> {
    const record = await store.now.sessions.find(id);
    if (record === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    if (record.userId !== context.identity.user.id && !context.permissions.has('session.manage'))
      return context.refuse({ kind: 'session', id });
    return record;
  }

  return {
    openSession: async (context, { body }) => {
      const requested = await sessions.request(context.identity, body.targetId, context.address);
      return {
        session: view(requested.session, context),
        surface: requested.surface,
        tickets: tickets(requested.tickets, 'control'),
      };
    },

    issueTickets: async (context, { params, body }) =>
      tickets(await sessions.issueTickets(context.identity, params.id, body.mode), body.mode),

    listSessions: async (context, { query }) => {
      const { scope, userId, ...rest } = query;
      if (scope === 'all' && !context.permissions.has('session.manage'))
        throw new Fault('FORBIDDEN', 'this needs the permission session.manage');
      const person = scope === 'all' ? userId : context.identity.user.id;
      const page = await store.now.sessions.list({
        ...rest,
        limit: query.limit ?? 100,
        ...(person === undefined ? {} : { userId: person }),
      });
      return {
        items: page.items.map((record) => view(record, context)),
        ...(page.next === undefined ? {} : { next: page.next }),
      };
    },

    getSession: async (context, { params }) => view(await visible(context, params.id), context),

    endSession: async (context, { params, body }) => {
      const record = await visible(context, params.id);
      const own = record.userId === context.identity.user.id;
      if (!own && (body.reason ?? '').trim() === '')
        throw new Fault('INVALID_REQUEST', 'reason must be given, the person is shown it', {
          facts: { field: 'body/reason' },
        });
      await sessions.end(record.id, context.identity, body.reason ?? '');
      return undefined;
    },
  };
}
