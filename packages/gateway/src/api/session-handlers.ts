import type { Invitation as InvitationView, Session as SessionView, Tickets } from '@enchilada/contract';
import type { GrantAction } from '@enchilada/core/access';
import type { SurfaceKind } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { Invitation, IssuedTickets, OpeningWish, SessionRecord, ViewerMode } from '@enchilada/core/session';
import type { Page } from '@enchilada/core/store';
import type { Handlers, SignedInContext } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';

type SessionHandlers = Pick<
  Handlers,
  | 'openSession'
  | 'issueTickets'
  | 'listSessions'
  | 'getSession'
  | 'endSession'
  | 'listInvitations'
  | 'createInvitation'
  | 'deleteInvitation'
>;

/** What the person who asks may do with sessions beyond what is theirs. */
interface Standing {
  readonly watched: ReadonlySet<string>;
  readonly shareable: ReadonlySet<string>;
  /** Sessions that their owners share with them. */
  readonly invited: readonly SessionRecord[];
}

const TICKET_MS = 30_000;
const STORE_PAGE = 500;

interface WatchableQuery {
  readonly targetId?: string;
  readonly cursor?: string;
  readonly limit: number;
}

interface SessionPage {
  readonly items: SessionView[];
  readonly next?: string;
}

interface Position {
  readonly requestedAt: number;
  readonly id: string;
}

function positionOf(cursor: string): Position {
  const { at, id } = /^(?<at>\d{1,15})\.(?<id>[a-z0-9_]{1,40})$/u.exec(cursor)?.groups ?? {};
  if (at === undefined || id === undefined)
    throw new Fault('INVALID_REQUEST', 'the cursor does not come from a page of this list');
  return { requestedAt: Number(at), id };
}

/** In the order of the list, the newest first. */
function isBehind({ requestedAt, id }: Position, behind: Position | undefined): boolean {
  if (behind === undefined) return true;
  return requestedAt < behind.requestedAt || (requestedAt === behind.requestedAt && id < behind.id);
}

function invitationView({ id, username, createdAt, expiresAt }: Invitation): InvitationView {
  return { id, username, createdAt, expiresAt };
}

function wishOf({ targetId, viewOnly }: { readonly targetId: string; readonly viewOnly?: boolean }): OpeningWish {
  return { targetId, ...(viewOnly === undefined ? {} : { viewOnly }) };
}

export function sessionHandlers({ store, sessions, catalog, clock }: ApiParts): SessionHandlers {
  async function standingOf({ identity, address }: SignedInContext): Promise<Standing> {
    const [visible, invited] = await Promise.all([
      catalog.visibleTo(identity),
      sessions.sharing.invitedTo(identity, address),
    ]);
    const having = (action: GrantAction) =>
      new Set(visible.filter(({ actions }) => actions.has(action)).map(({ target }) => target.id));
    return { watched: having('watch'), shareable: having('share'), invited };
  }

  /** Whether it is somebody else's and the person may watch it. */
  function mayWatch(record: SessionRecord, context: SignedInContext, { watched, invited }: Standing): boolean {
    if (record.userId === context.identity.user.id) return false;
    return watched.has(record.targetId) || invited.some(({ id }) => id === record.id);
  }

  /**
   * A page of others' live sessions that the person may watch. INVARIANT: pages and cursors are made of these alone, so that nobody counts by them
   * what else goes on.
   */
  async function watchablePage(context: SignedInContext, query: WatchableQuery): Promise<SessionPage> {
    const standing = await standingOf(context);
    const { targetId, cursor, limit } = query;
    const targets = new Set([...standing.watched, ...standing.invited.map((record) => record.targetId)]);
    if (targets.size === 0 || (targetId !== undefined && !targets.has(targetId))) return { items: [] };
    const behind = cursor === undefined ? undefined : positionOf(cursor);
    const found: SessionRecord[] = [];
    for (
      let next: string | undefined, first = true;
      (first || next !== undefined) && found.length <= limit;
      first = false
    ) {
      const page: Page<SessionRecord> = await store.now.sessions.list({
        live: true,
        limit: STORE_PAGE,
        ...(targetId === undefined ? {} : { targetId }),
        ...(next === undefined ? {} : { cursor: next }),
      });
      found.push(...page.items.filter((record) => mayWatch(record, context, standing) && isBehind(record, behind)));
      next = page.next;
    }
    const shown = found.slice(0, limit);
    const last = shown.at(-1);
    return {
      items: shown.map((record) => view(record, context, standing)),
      ...(found.length > limit && last !== undefined ? { next: `${last.requestedAt}.${last.id}` } : {}),
    };
  }

  async function views(context: SignedInContext, records: readonly SessionRecord[]): Promise<readonly SessionView[]> {
    const standing = await standingOf(context);
    return records.map((record) => view(record, context, standing));
  }

  function view(record: SessionRecord, context: SignedInContext, standing: Standing): SessionView {
    const own = record.userId === context.identity.user.id;
    // One that has ended is what is kept of it: until the reason of its end is written, it is still ending.
    const live = sessions.live.find(({ id, state }) => id === record.id && state !== 'ended');
    return {
      id: record.id,
      user: { id: record.userId, username: record.username },
      target: { id: record.targetId, name: record.targetName },
      protocol: record.protocol,
      surface: record.surface as SurfaceKind,
      state: live?.state ?? record.state,
      own,
      mayWatch: mayWatch(record, context, standing),
      mayShare: own && record.state !== 'ended' && standing.shareable.has(record.targetId),
      viewOnly: record.viewOnly,
      recordExempt: record.recordExempt && record.recordingId === undefined,
      nodeId: record.nodeId,
      // Whoever only watches need not know from where a person works.
      address: isManaged(record, context) ? record.address : '',
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

  function isManaged(record: SessionRecord, context: SignedInContext): boolean {
    return record.userId === context.identity.user.id || context.permissions.has('session.manage');
  }

  async function find(id: string): Promise<SessionRecord> {
    const record = await store.now.sessions.find(id);
    if (record === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return record;
  }

  return {
    openSession: async (context, { body }) => {
      const requested = await sessions.request(context.identity, wishOf(body), context.address);
      return {
        session: view(requested.session, context, await standingOf(context)),
        surface: requested.surface,
        tickets: tickets(requested.tickets, 'control'),
      };
    },

    issueTickets: async (context, { params, body }) =>
      tickets(
        await sessions.issueTickets(context.identity, params.id, { mode: body.mode, address: context.address }),
        body.mode,
      ),

    listSessions: async (context, { query }) => {
      const { scope, userId, ...rest } = query;
      if (scope === 'all' && !context.permissions.has('session.manage'))
        throw new Fault('FORBIDDEN', 'this needs the permission session.manage');
      const limit = query.limit ?? 100;
      if (scope === 'watchable') return watchablePage(context, { ...rest, limit });
      const person = scope === 'all' ? userId : context.identity.user.id;
      const page = await store.now.sessions.list({
        ...rest,
        limit,
        ...(person === undefined ? {} : { userId: person }),
      });
      return {
        items: [...(await views(context, page.items))],
        ...(page.next === undefined ? {} : { next: page.next }),
      };
    },

    getSession: async (context, { params }) => {
      const record = await find(params.id);
      const standing = await standingOf(context);
      // An ended session is nothing to watch.
      if (!isManaged(record, context) && !(mayWatch(record, context, standing) && record.state !== 'ended'))
        return context.refuse({ kind: 'session', id: params.id });
      return view(record, context, standing);
    },

    listInvitations: async ({ identity, address }, { params }) => ({
      items: (await sessions.sharing.invitations(identity, params.id, address)).map(invitationView),
    }),

    createInvitation: async ({ identity, address }, { params, body }) =>
      invitationView(await sessions.sharing.invite(identity, { sessionId: params.id, ...body }, address)),

    deleteInvitation: async ({ identity, address }, { params }) => {
      await sessions.sharing.withdraw(identity, { sessionId: params.id, id: params.invitation }, address);
      return undefined;
    },

    endSession: async (context, { params, body }) => {
      const record = await find(params.id);
      if (!isManaged(record, context)) return context.refuse({ kind: 'session', id: params.id });
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
