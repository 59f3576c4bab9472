import type { AccessRequest as RequestView, RequestTerms } from '@enchilada/contract';
import { type AccessRequest, approvalOf, type Grant, mayDecide } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { Page } from '@enchilada/core/store';
import type { Handlers, SignedInContext } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';

type RequestHandlers = Pick<
  Handlers,
  | 'getRequestTerms'
  | 'listRequests'
  | 'countRequests'
  | 'getRequest'
  | 'createRequest'
  | 'decideRequest'
  | 'cancelRequest'
>;

const COUNTED = 100;

function statusOf({ state, uses, sessions, until }: AccessRequest, now: number): RequestView['status'] {
  if (state === 'approved' && uses >= sessions) return 'used';
  if ((state === 'pending' || state === 'approved') && now >= until) return 'expired';
  return state;
}

export function requestHandlers({ store, requests, catalog, clock }: ApiParts): RequestHandlers {
  function viewOf({ identity }: SignedInContext, request: AccessRequest, grant: Grant | undefined): RequestView {
    const { user, groupIds } = identity;
    const { id, userId, username, scopeName, scope, from, until, reason, breakGlass, sessions, uses } = request;
    const status = statusOf(request, clock.now());
    const approval = approvalOf(grant);
    const isOpen = status === 'pending' || status === 'approved';
    const hasDecided = request.decisions.some((decision) => decision.userId === user.id);
    const decides = mayDecide(request, approval, { userId: user.id, groupIds });
    const selector =
      scope.kind === 'labels'
        ? Object.fromEntries(Object.entries(scope.selector).map(([key, values]) => [key, [...values]]))
        : {};
    return {
      ...{ id, userId, username, scopeName, from, until, reason, breakGlass, status, sessions, uses },
      scope: scope.kind === 'target' ? { ...scope } : { kind: 'labels', selector },
      actions: [...request.actions],
      hash: request.hash,
      needed: approval?.count ?? 0,
      decisions: request.decisions.map(({ username: by, verdict, words, at }) => ({
        username: by,
        verdict,
        words,
        at,
      })),
      createdAt: request.createdAt,
      ...(request.decidedAt === undefined ? {} : { decidedAt: request.decidedAt }),
      // Who has agreed may still take it back.
      mayDecide: decides && (status === 'pending' ? !hasDecided : isOpen || (status === 'used' && clock.now() < until)),
      mayCancel: userId === user.id && (isOpen || (status === 'used' && clock.now() < until)),
    };
  }

  async function seen(context: SignedInContext, request: AccessRequest): Promise<RequestView> {
    return viewOf(context, request, await store.now.grants.find(request.grantId));
  }

  /** Those whose requests the person decides on. */
  async function decidedGrants({ identity }: SignedInContext): Promise<readonly Grant[]> {
    return (await store.now.grants.list()).filter((grant) =>
      approvalOf(grant)?.groups.some((group) => identity.groupIds.includes(group)),
    );
  }

  const readsAll = ({ permissions }: SignedInContext): boolean =>
    permissions.has('access.read') || permissions.has('audit.read');

  /** @throws Fault NOT_FOUND */
  async function known(context: SignedInContext, id: string): Promise<AccessRequest> {
    const request = await store.now.requests.find(id);
    if (request === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    const { user } = context.identity;
    const isTheirs = request.userId === user.id || request.decisions.some(({ userId }) => userId === user.id);
    if (isTheirs || readsAll(context)) return request;
    const grant = await store.now.grants.find(request.grantId);
    const { groupIds } = context.identity;
    if (mayDecide(request, approvalOf(grant), { userId: user.id, groupIds })) return request;
    return context.refuse({ kind: 'request', id });
  }

  async function waiting(
    context: SignedInContext,
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<Page<AccessRequest>> {
    const grantIds = (await decidedGrants(context)).map(({ id }) => id);
    const found = await store.now.requests.list({ ...page, grantIds, states: ['pending'], openAt: clock.now() });
    const { user } = context.identity;
    const items = found.items.filter(
      ({ userId, decisions }) => userId !== user.id && !decisions.some((decision) => decision.userId === user.id),
    );
    return { ...found, items };
  }

  async function pageOf(
    context: SignedInContext,
    { view, ...page }: { readonly view: string; readonly limit: number; readonly cursor?: string },
  ): Promise<Page<AccessRequest>> {
    if (view === 'mine') return store.now.requests.list({ ...page, userId: context.identity.user.id });
    if (view === 'decide') return waiting(context, page);
    if (readsAll(context)) return store.now.requests.list(page);
    const grantIds = (await decidedGrants(context)).map(({ id }) => id);
    return store.now.requests.list({ ...page, grantIds });
  }

  return {
    getRequestTerms: async (context, { params }): Promise<RequestTerms> => {
      const visible = (await catalog.visibleTo(context.identity)).find(({ target }) => target.id === params.id);
      if (visible === undefined) {
        if ((await store.now.catalog.findTarget(params.id)) === undefined)
          throw new Fault('NOT_FOUND', 'there is no such object');
        return context.refuse({ kind: 'target', id: params.id });
      }
      const grants = await requests.terms(context.identity, visible);
      const names = new Map((await store.now.groups.list()).map(({ id, name }) => [id, name]));
      return {
        items: grants.flatMap((grant) => {
          const approval = approvalOf(grant);
          if (approval === undefined) return [];
          const { groups, count, minutes, sessions, breakGlass } = approval;
          return {
            actions: [...grant.actions],
            groups: groups.map((id) => names.get(id) ?? ''),
            ...{ count, minutes, sessions: sessions ?? 1, breakGlass: breakGlass === true },
          };
        }),
      };
    },

    listRequests: async (context, { query }) => {
      const { items, next } = await pageOf(context, { ...query, limit: query.limit ?? 100 });
      const grants = new Map((await store.now.grants.list()).map((grant) => [grant.id, grant]));
      return {
        items: items.map((request) => viewOf(context, request, grants.get(request.grantId))),
        ...(next === undefined ? {} : { next }),
      };
    },

    countRequests: async (context) => {
      const decide = await waiting(context, { limit: COUNTED });
      const mine = await store.now.requests.countOpenOf(context.identity.user.id, clock.now());
      return { decide: decide.items.length, mine };
    },

    getRequest: async (context, { params }) => seen(context, await known(context, params.id)),

    createRequest: async (context, { body }) => {
      const { target } = { target: body.scope.kind === 'target' ? body.scope.id : undefined };
      const visible = target === undefined ? true : await isVisible(context, target);
      if (!visible) return context.refuse({ kind: 'target', id: target ?? '' });
      return seen(context, await requests.ask(context, body));
    },

    decideRequest: async (context, { params, body }) => {
      const decision = { verdict: body.verdict, words: body.words ?? '', hash: body.hash };
      return seen(context, await requests.decide(context, params.id, decision));
    },

    cancelRequest: async (context, { params }) => {
      const request = await store.now.requests.find(params.id);
      if (request === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
      if (request.userId !== context.identity.user.id) return context.refuse({ kind: 'request', id: params.id });
      return seen(context, await requests.cancel(context, request));
    },
  };

  async function isVisible({ identity }: SignedInContext, id: string): Promise<boolean> {
    return (await catalog.visibleTo(identity)).some(({ target }) => target.id === id);
  }
}
