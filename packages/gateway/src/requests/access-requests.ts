import { createHash } from 'node:crypto';
import {
  type AccessRequest,
  type Approval,
  approvalOf,
  type Asked,
  askedText,
  type Grant,
  type GrantAction,
  isUnaltered,
  mayDecide,
  type RequestScope,
  type RequestState,
  scopeCovers,
  type Verdict,
} from '@enchilada/core/access';
import type { AuditAction, AuditEvent, AuditLog } from '@enchilada/core/audit';
import { TAG_PREFIX } from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import type { VerifiedIdentity } from '@enchilada/core/identity';
import { standingOf } from '@enchilada/core/session';
import type { Store, StoreTransaction } from '@enchilada/core/store';
import { type Clock, randomId, type RandomSource } from '@enchilada/core/time';
import type { CatalogView, VisibleTarget } from '../api/catalog-view.ts';
import type { NewsDesk } from '../notifications/news-desk.ts';
import { Settlements, type Written } from '../settlement/settlements.ts';
import { newsOf } from './request-news.ts';

export interface AccessRequestParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly catalog: CatalogView;
  readonly news: NewsDesk;
  readonly clock: Clock;
  readonly random: RandomSource;
}

export interface Wanted {
  readonly scope: RequestScope;
  /** Absent: everything that the grant may give. */
  readonly actions?: readonly GrantAction[];
  readonly from?: number;
  readonly until: number;
  readonly reason: string;
  readonly breakGlass?: boolean;
}

export interface Caller {
  readonly identity: VerifiedIdentity;
  readonly address: string;
}

export interface Decision {
  readonly verdict: Verdict;
  readonly words: string;
  /** Of what the person saw. */
  readonly hash: string;
}

const MINUTE = 60_000;
const MOST_OPEN = 50;
const HOUR = 60 * MINUTE;
/** Of one person in an hour; each is told to everybody, and withdrawing one frees no place. Haste has a count of its own. */
const MOST_ASKED = { waiting: 30, breakGlass: 10 };
const FURTHEST_MS = 60 * 24 * 60 * MINUTE;
const SLACK_MS = 2 * MINUTE;
const OPEN: readonly RequestState[] = ['pending', 'approved'];

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function wrong(field: string, message: string): Fault {
  return new Fault('INVALID_REQUEST', `${field} ${message}`, { facts: { field: `body/${field}` } });
}

/** People ask for what grants give only with an approval, and others agree. */
export class AccessRequests {
  readonly #parts: AccessRequestParts;
  readonly #settlements: Settlements;

  constructor(parts: AccessRequestParts) {
    this.#parts = parts;
    this.#settlements = new Settlements(parts);
  }

  /** The grants under which the person may ask for the machine, those that are easiest to be agreed to first. */
  async terms(identity: VerifiedIdentity, { target }: VisibleTarget): Promise<readonly Grant[]> {
    return (await this.#askable(identity)).filter((grant) => this.#covers(grant, target, { kind: 'all' }));
  }

  /** @throws Fault NOT_FOUND, INVALID_REQUEST, CONFLICT */
  async ask(caller: Caller, wanted: Wanted): Promise<AccessRequest> {
    const { clock, random, news } = this.#parts;
    const { user } = caller.identity;
    const { grant, approval, scopeName } = await this.#ruleFor(caller.identity, wanted);
    const now = clock.now();
    const from = Math.max(wanted.from ?? now, now);
    const breakGlass = wanted.breakGlass === true;
    if (wanted.from !== undefined && wanted.from < now - SLACK_MS) throw wrong('from', 'is in the past');
    if (from > now + FURTHEST_MS) throw wrong('from', 'is more than 60 days ahead');
    if (breakGlass && from > now + SLACK_MS) throw wrong('from', 'must be now where nobody is waited for');
    if (wanted.until <= from) throw wrong('until', 'must be after the beginning');
    if (wanted.until - from > approval.minutes * MINUTE + SLACK_MS)
      throw wrong('until', `is too late: at most ${approval.minutes} minutes may be asked for`);
    const asked: Asked = {
      id: `req_${randomId(random)}`,
      userId: user.id,
      grantId: grant.id,
      scope: wanted.scope,
      actions: [...(wanted.actions ?? grant.actions)],
      from,
      until: wanted.until,
      reason: wanted.reason.trim(),
      sessions: approval.sessions ?? 1,
      breakGlass,
      createdAt: now,
    };
    const request: AccessRequest = {
      ...asked,
      username: user.username,
      scopeName,
      hash: sha256Hex(askedText(asked)),
      state: breakGlass ? 'approved' : 'pending',
      uses: 0,
      decidedAt: breakGlass ? now : undefined,
      decisions: [],
    };
    const action = breakGlass ? 'request.break-glass' : 'request.asked';
    await this.#settlements.write(async (tx) => {
      await requirePlace(tx, { userId: user.id, breakGlass, now });
      await tx.requests.insert(request);
      await news.queue(tx, newsOf(action, request, { count: approval.count, by: user.username, at: now }));
      const event = {
        action,
        ...actor(caller),
        object: objectOf(request),
        outcome: 'success',
        reason: request.reason,
        detail: detailOf(request),
      } as const;
      return { result: undefined, events: [event] };
    });
    news.wake();
    return request;
  }

  /** @throws Fault NOT_FOUND for who may not know of the request, FORBIDDEN for one's own, CONFLICT */
  async decide(caller: Caller, id: string, decision: Decision): Promise<AccessRequest> {
    const { audit, clock, news } = this.#parts;
    const { user } = caller.identity;
    const at = clock.now();
    const refuse = async (request: AccessRequest, fault: Fault): Promise<never> => {
      await audit.append({
        action: 'request.refused',
        ...actor(caller),
        object: objectOf(request),
        outcome: 'denied',
        reason: fault.message,
        detail: { verdict: decision.verdict },
      });
      throw fault;
    };
    const eventOf = (request: AccessRequest, complete: boolean): AuditEvent => ({
      action: decision.verdict === 'approve' ? 'request.approved' : 'request.denied',
      ...actor(caller),
      object: objectOf(request),
      outcome: 'success',
      ...(decision.words === '' ? {} : { reason: decision.words }),
      detail: { ...detailOf(request), complete },
    });
    type Outcome = { readonly request: AccessRequest; readonly fault?: Fault };
    const unwritten = (result: Outcome): Written<Outcome> => ({ result, events: [] });
    // INVARIANT: who may decide, what is decided on and how many have agreed are read in the transaction that writes the decision.
    const outcome = await this.#settlements.write(async (tx): Promise<Written<Outcome>> => {
      const request = await tx.requests.find(id);
      if (request === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
      const grant = await tx.grants.find(request.grantId);
      const approval = approvalOf(grant);
      const fault = await refusalOf(tx, { request, approval, caller, decision, now: at });
      if (fault !== undefined) return unwritten({ request, fault });
      const { verdict, words, hash } = decision;
      const { id: userId, username } = user;
      const isNew = await tx.requests.addDecision(id, { userId, username, verdict, words, hash, at });
      if (!isNew && verdict === 'approve')
        return unwritten({ request, fault: new Fault('CONFLICT', 'you have decided already') });
      const to = verdict === 'deny' ? 'denied' : 'approved';
      const after = (await tx.requests.find(id)) ?? request;
      const agreed = verdict === 'approve' ? (await standingOf({ now: tx }, after, grant)).size : 0;
      const isDone = verdict === 'deny' || agreed >= (approval?.count ?? Infinity);
      const from: readonly RequestState[] = verdict === 'deny' ? OPEN : ['pending'];
      if (isDone && !(await tx.requests.move(id, { from, to, at })))
        return unwritten({ request, fault: new Fault('CONFLICT', 'somebody else was first') });
      if (!isDone) return { result: { request: after }, events: [eventOf(after, false)] };
      const moved = { ...after, state: to, decidedAt: at } as const;
      if (verdict === 'deny' && request.state === 'approved')
        await tx.commands.post({ kind: 'recheck-user', userId: request.userId }, at);
      const count = approval?.count ?? 1;
      await news.queue(tx, newsOf(`request.${to}`, moved, { count, by: username, at }));
      return { result: { request: moved }, events: [eventOf(moved, true)] };
    });
    const { request, fault } = outcome;
    if (fault !== undefined) return refuse(request, fault);
    news.wake();
    return request;
  }

  /** By whoever asked. Ends what rests on it. @throws Fault NOT_FOUND, CONFLICT */
  async cancel(caller: Caller, request: AccessRequest): Promise<AccessRequest> {
    const { clock, news } = this.#parts;
    const at = clock.now();
    const moved = { ...request, state: 'cancelled', decidedAt: at } as const;
    await this.#settlements.write(async (tx) => {
      if (!(await tx.requests.move(request.id, { from: OPEN, to: 'cancelled', at })))
        throw new Fault('CONFLICT', 'the request is not open any more');
      await tx.commands.post({ kind: 'recheck-user', userId: request.userId }, at);
      const by = caller.identity.user.username;
      await news.queue(tx, newsOf('request.cancelled', moved, { count: 0, by, at }));
      const event = {
        action: 'request.cancelled',
        ...actor(caller),
        object: objectOf(request),
        outcome: 'success',
        detail: detailOf(request),
      } as const;
      return { result: undefined, events: [event] };
    });
    news.wake();
    return moved;
  }

  async #askable(identity: VerifiedIdentity): Promise<readonly Grant[]> {
    const grants = await this.#parts.store.now.grants.listFor(identity.user.id, identity.groupIds);
    const now = this.#parts.clock.now();
    return grants
      .filter((grant) => approvalOf(grant) !== undefined && (grant.conditions?.notAfter ?? Infinity) > now)
      .toSorted((a, b) => (approvalOf(a)?.count ?? 0) - (approvalOf(b)?.count ?? 0));
  }

  #covers(grant: Grant, target: VisibleTarget['target'], scope: Grant['scope']): boolean {
    const ancestors = this.#parts.catalog.ancestorsOf(target);
    return scopeCovers(grant.scope, target, ancestors) && scopeCovers(scope, target, ancestors);
  }

  /** The grant that is asked under: it covers what is wanted, holds every action, and asks for the fewest people. */
  async #ruleFor(
    identity: VerifiedIdentity,
    { scope, actions, breakGlass }: Wanted,
  ): Promise<{ readonly grant: Grant; readonly approval: Approval; readonly scopeName: string }> {
    if (scope.kind === 'labels') {
      const keys = Object.keys(scope.selector);
      if (keys.length === 0 || Object.values(scope.selector).some((values) => values.length === 0))
        throw wrong('scope', 'must name at least one label, and a value of each');
      if (keys.some((key) => key.startsWith(TAG_PREFIX))) throw wrong('scope', `must not rest on ${TAG_PREFIX} labels`);
    }
    const visible = await this.#parts.catalog.visibleTo(identity);
    const candidates = scope.kind === 'target' ? visible.filter(({ target }) => target.id === scope.id) : visible;
    const [first] = candidates;
    if (scope.kind === 'target' && first === undefined) throw new Fault('NOT_FOUND', 'there is no such machine');
    if (scope.kind === 'labels') requireSeen(scope, visible);
    const askable = await this.#askable(identity);
    const fitting = askable.filter(
      (grant) =>
        (actions ?? []).every((action) => grant.actions.includes(action)) &&
        candidates.some(({ target }) => this.#covers(grant, target, scope)),
    );
    const grant = fitting.find((one) => breakGlass !== true || approvalOf(one)?.breakGlass === true);
    const approval = approvalOf(grant);
    if (grant === undefined || approval === undefined)
      throw fitting.length > 0
        ? wrong('breakGlass', 'is not provided for here')
        : new Fault('CONFLICT', 'nothing of this is opened with an approval');
    if (actions !== undefined && !actions.includes('connect')) throw wrong('actions', 'must hold connect');
    return { grant, approval, scopeName: scope.kind === 'target' ? (first?.target.name ?? '') : selectorWords(scope) };
  }
}

/** INVARIANT: counted in the transaction that writes, over all nodes. @throws Fault CONFLICT, THROTTLED */
async function requirePlace(
  tx: StoreTransaction,
  { userId, breakGlass, now }: { readonly userId: string; readonly breakGlass: boolean; readonly now: number },
): Promise<void> {
  if ((await tx.requests.countOpenOf(userId, now)) >= MOST_OPEN)
    throw new Fault('CONFLICT', `${MOST_OPEN} of your requests are open already; cancel some of them`);
  const limit = breakGlass ? MOST_ASKED.breakGlass : MOST_ASKED.waiting;
  const times = await tx.requests.askedAt(userId, { since: now - HOUR, breakGlass, limit });
  const [first] = times;
  if (first === undefined || times.length < limit) return;
  const retryAfterSeconds = Math.max(1, Math.ceil((first + HOUR - now) / 1_000));
  throw new Fault('THROTTLED', `${limit} times an hour is the most, ask again in ${retryAfterSeconds} seconds`, {
    facts: { retryAfterSeconds },
  });
}

interface DecisionQuestion {
  readonly request: AccessRequest;
  readonly approval: Approval | undefined;
  readonly caller: Caller;
  readonly decision: Decision;
  readonly now: number;
}

/** Why the person may not decide so; undefined where they may. Memberships and state are those of the transaction. */
async function refusalOf(
  tx: StoreTransaction,
  { request, approval, caller, decision, now }: DecisionQuestion,
): Promise<Fault | undefined> {
  const { user } = caller.identity;
  if (request.userId === user.id) return new Fault('FORBIDDEN', 'nobody decides on their own request');
  const [stored, groupIds] = await Promise.all([tx.users.find(user.id), tx.groups.groupsOf(user.id)]);
  const isEnabled = stored !== undefined && stored.disabledAt === undefined;
  if (!isEnabled || !mayDecide(request, approval, { userId: user.id, groupIds }))
    return new Fault('NOT_FOUND', 'there is no such object');
  if (!isUnaltered(request, sha256Hex) || decision.hash !== request.hash)
    return new Fault('CONFLICT', 'what is asked for is not what you saw; load it again');
  if (now >= request.until) return new Fault('CONFLICT', 'the time that was asked for is over');
  const isOpen = request.state === 'pending' || (decision.verdict === 'deny' && request.state === 'approved');
  return isOpen ? undefined : new Fault('CONFLICT', `the request is ${request.state} already`);
}

/** INVARIANT: what is asked for is told to people in chats, so that it says nothing but what machines are labelled with. @throws Fault INVALID_REQUEST */
function requireSeen(
  { selector }: Extract<RequestScope, { readonly kind: 'labels' }>,
  visible: readonly VisibleTarget[],
): void {
  for (const [key, values] of Object.entries(selector))
    for (const value of values)
      if (!visible.some(({ target }) => target.labels[key] === value))
        throw wrong('scope', `names ${key}=${JSON.stringify(value)}, which no machine that you see carries`);
}

export function selectorWords({ selector }: Extract<RequestScope, { readonly kind: 'labels' }>): string {
  return Object.entries(selector)
    .map(([key, values]) => `${key}=${values.join('|')}`)
    .join(', ');
}

function actor({ identity: { user }, address }: Caller) {
  return { actor: { kind: 'user', id: user.id, name: user.username }, address } as const;
}

function objectOf({ id, scopeName }: AccessRequest) {
  return { kind: 'request', id, name: scopeName };
}

function detailOf(request: AccessRequest): Readonly<Record<string, string | number | boolean>> {
  const { username, grantId, scope, actions, from, until, hash, breakGlass } = request;
  const about = JSON.stringify(scope).slice(0, 2000);
  return { for: username, grantId, scope: about, actions: actions.join(' '), from, until, hash, breakGlass };
}

export type RequestAction = Extract<AuditAction, `request.${string}`>;
