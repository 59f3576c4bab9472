import { Fault } from '@enchilada/core/fault';
import type { ProviderRecord, ProvisionedGroup, ProvisionedUser } from '@enchilada/core/identity';
import type { Slice } from '@enchilada/core/store';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RefusalTally } from '../auth/refusal-tally.ts';
import { Provisioning, scimPath } from './provisioning.ts';
import { parseFilter } from './scim-filter.ts';
import { ScimGroups } from './scim-groups.ts';
import { listResponse, outdated, scimFailure, scimFault, SCIM_MEDIA_TYPE } from './scim-message.ts';
import { type Json, member } from './scim-patch.ts';
import { etagOf, groupView, userView } from './scim-resource.ts';
import { MOST_RESULTS, resourceTypes, schemas, serviceProviderConfig, wholeList } from './scim-schemas.ts';
import { type ScimParts, ScimUsers } from './scim-users.ts';

export interface ScimDoorParts extends ScimParts {
  readonly publicUrl: () => string;
  readonly refusals: Pick<RefusalTally, 'note'>;
}

const BODY_LIMIT_BYTES = 2 * 1024 * 1024;
const USUAL_COUNT = 100;

interface Asked {
  readonly record: ProviderRecord;
  readonly base: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly id: string;
}

/**
 * SCIM 2.0 (RFC 7643, RFC 7644): where identity providers write their people and groups. INVARIANT: every request is judged by the token of the
 * provider that its path names, and by nothing else; none reads a cookie.
 */
export function serveScim(app: FastifyInstance, parts: ScimDoorParts): void {
  const provisioning = new Provisioning(parts);
  const door: Door = { users: new ScimUsers(parts), groups: new ScimGroups(parts), store: parts.store };
  void app.register((scope, _options, registered) => {
    const parser = scope.getDefaultJsonParser('error', 'error');
    scope.addContentTypeParser(SCIM_MEDIA_TYPE, { parseAs: 'string', bodyLimit: BODY_LIMIT_BYTES }, parser);
    scope.setErrorHandler((error, request, reply) => {
      const { fault, status, body } = scimFailure(error);
      if (status >= 500) request.log.error({ reference: request.id, code: fault.code, err: error }, 'a request failed');
      request.faultCode = fault.code;
      if (status === 401) reply.header('www-authenticate', 'Bearer realm="scim"');
      return answer(reply, status, body);
    });
    const serve = (route: Route): void => {
      scope.route({
        method: route.method,
        url: `${scimPath(':provider')}${route.path}`,
        config: { access: 'public', fromAnywhere: true },
        bodyLimit: BODY_LIMIT_BYTES,
        // Before a body is read.
        onRequest: async (request) => {
          const { provider } = request.params as { readonly provider: string };
          const record = await provisioning.identify(provider, request.headers.authorization);
          if (record === undefined) {
            const object = { kind: 'provider', id: provider.slice(0, 40) } as const;
            const reason = 'the request carries no valid token of the provider';
            parts.refusals.note({ action: 'access.denied', address: request.clientAddress, reason, object });
            throw new Fault('UNAUTHENTICATED', reason);
          }
          known.set(request, record);
        },
        handler: async (request, reply) => {
          const record = known.get(request);
          if (record === undefined) throw new Fault('INTERNAL', 'a request passed without its provider');
          const { id = '' } = request.params as { readonly id?: string };
          const base = `${parts.publicUrl()}${scimPath(record.id)}`;
          return route.handle({ record, base, request, reply, id }, door);
        },
      });
    };
    const known = new WeakMap<FastifyRequest, ProviderRecord>();
    for (const route of ROUTES) serve(route);
    registered();
  });
}

interface Door {
  readonly users: ScimUsers;
  readonly groups: ScimGroups;
  readonly store: ScimParts['store'];
}

interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly handle: (asked: Asked, door: Door) => Promise<FastifyReply> | FastifyReply;
}

function answer(reply: FastifyReply, status: number, body?: object): FastifyReply {
  if (body === undefined) return reply.code(status).send();
  return reply.code(status).type(SCIM_MEDIA_TYPE).serializer(JSON.stringify).send(body);
}

function find<T extends { readonly id: string }>(items: readonly T[], id: string): T {
  const found = items.find((item) => item.id === id);
  if (found === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
  return found;
}

/** Every route; a test asks each of them without the right token. */
export const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/ServiceProviderConfig',
    handle: ({ reply, base }) => answer(reply, 200, serviceProviderConfig(base)),
  },
  {
    method: 'GET',
    path: '/ResourceTypes',
    handle: ({ reply, base }) => answer(reply, 200, wholeList(resourceTypes(base))),
  },
  {
    method: 'GET',
    path: '/ResourceTypes/:id',
    handle: ({ reply, base, id }) => answer(reply, 200, find(resourceTypes(base), id)),
  },
  { method: 'GET', path: '/Schemas', handle: ({ reply, base }) => answer(reply, 200, wholeList(schemas(base))) },
  {
    method: 'GET',
    path: '/Schemas/:id',
    handle: ({ reply, base, id }) => answer(reply, 200, find(schemas(base), id)),
  },
  {
    method: 'GET',
    path: '/Users',
    handle: async (asked, door) => {
      const { slice, startIndex } = sliceOf(asked.request);
      const query = queryOf(asked.request, { id: 'id', username: 'userName', externalid: 'externalId' });
      const { items, total } = await door.users.list(asked.record, query, slice);
      const views = await Promise.all(items.map((user) => viewOfUser(user, asked, door)));
      return answer(asked.reply, 200, listResponse(views, startIndex, total));
    },
  },
  {
    method: 'POST',
    path: '/Users',
    handle: async (asked, door) => {
      const user = await door.users.create(asked.record, asked.request.body);
      asked.reply.header('location', `${asked.base}/Users/${user.userId}`);
      return tagged(asked, { status: 201, record: user, view: await viewOfUser(user, asked, door) });
    },
  },
  {
    method: 'GET',
    path: '/Users/:id',
    handle: async (asked, door) => {
      const user = await door.users.get(asked.record, asked.id);
      if (isUnchanged(asked.request, user)) return answer(asked.reply, 304);
      return tagged(asked, { status: 200, record: user, view: await viewOfUser(user, asked, door) });
    },
  },
  {
    method: 'PUT',
    path: '/Users/:id',
    handle: async (asked, door) => {
      const user = await door.users.replace(asked.record, given(asked), preconditionOf(asked.request));
      return tagged(asked, { status: 200, record: user, view: await viewOfUser(user, asked, door) });
    },
  },
  {
    method: 'PATCH',
    path: '/Users/:id',
    handle: async (asked, door) => {
      const user = await door.users.patch(asked.record, given(asked), preconditionOf(asked.request));
      return tagged(asked, { status: 200, record: user, view: await viewOfUser(user, asked, door) });
    },
  },
  {
    method: 'DELETE',
    path: '/Users/:id',
    handle: async ({ record, id, reply }, { users }) => {
      await users.delete(record, id);
      return answer(reply, 204);
    },
  },
  {
    method: 'GET',
    path: '/Groups',
    handle: async (asked, door) => {
      const { slice, startIndex } = sliceOf(asked.request);
      const query = queryOf(asked.request, {
        ...{ id: 'id', displayname: 'displayName', externalid: 'externalId' },
        ...{ members: 'member', 'members.value': 'member' },
      });
      const { items, total } = await door.groups.list(asked.record, query, slice);
      const views = await Promise.all(items.map((group) => viewOfGroup(group, asked, door)));
      return answer(asked.reply, 200, listResponse(views, startIndex, total));
    },
  },
  {
    method: 'POST',
    path: '/Groups',
    handle: async (asked, door) => {
      const group = await door.groups.create(asked.record, asked.request.body);
      asked.reply.header('location', `${asked.base}/Groups/${group.id}`);
      return tagged(asked, { status: 201, record: group, view: await viewOfGroup(group, asked, door) });
    },
  },
  {
    method: 'GET',
    path: '/Groups/:id',
    handle: async (asked, door) => {
      const group = await door.groups.get(asked.record, asked.id);
      if (isUnchanged(asked.request, group)) return answer(asked.reply, 304);
      return tagged(asked, { status: 200, record: group, view: await viewOfGroup(group, asked, door) });
    },
  },
  {
    method: 'PUT',
    path: '/Groups/:id',
    handle: async (asked, door) => {
      const group = await door.groups.replace(asked.record, given(asked), preconditionOf(asked.request));
      return tagged(asked, { status: 200, record: group, view: await viewOfGroup(group, asked, door) });
    },
  },
  {
    method: 'PATCH',
    path: '/Groups/:id',
    handle: async (asked, door) => {
      const group = await door.groups.patch(asked.record, given(asked), preconditionOf(asked.request));
      return tagged(asked, { status: 200, record: group, view: await viewOfGroup(group, asked, door) });
    },
  },
  {
    method: 'DELETE',
    path: '/Groups/:id',
    handle: async ({ record, id, reply }, { groups }) => {
      await groups.delete(record, id);
      return answer(reply, 204);
    },
  },
];

function given({ id, request }: Asked): { readonly id: string; readonly body: unknown } {
  return { id, body: request.body };
}

function tagged(
  { reply }: Asked,
  result: { readonly status: number; readonly record: { readonly version: number }; readonly view: Json },
): FastifyReply {
  reply.header('etag', etagOf(result.record));
  return answer(reply, result.status, result.view);
}

function headerTags(value: string | undefined): readonly string[] {
  return (value ?? '').split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
}

function isUnchanged(request: FastifyRequest, record: { readonly version: number }): boolean {
  const tags = headerTags(request.headers['if-none-match']);
  return tags.includes(etagOf(record)) || tags.includes('*');
}

function preconditionOf(request: FastifyRequest): (current: { readonly version: number }) => void {
  const tags = headerTags(request.headers['if-match']);
  return (current) => {
    if (tags.length > 0 && !tags.includes('*') && !tags.includes(etagOf(current))) throw outdated();
  };
}

function queryText(request: FastifyRequest, name: string): string | undefined {
  const value = member(request.query as Json, name);
  return typeof value === 'string' ? value : undefined;
}

/** RFC 7644 section 3.4.2.4: below one is one, and less than nothing is nothing. */
function sliceOf(request: FastifyRequest): { readonly slice: Slice; readonly startIndex: number } {
  const whole = (name: string, otherwise: number): number => {
    const text = queryText(request, name);
    if (text === undefined) return otherwise;
    if (!/^-?\d{1,9}$/u.test(text)) throw scimFault('invalidValue', `${name} must be a whole number`);
    return Number(text);
  };
  const startIndex = Math.max(1, whole('startIndex', 1));
  const limit = Math.min(MOST_RESULTS, Math.max(0, whole('count', USUAL_COUNT)));
  return { slice: { offset: startIndex - 1, limit }, startIndex };
}

function queryOf(request: FastifyRequest, known: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const filter = queryText(request, 'filter');
  if (filter === undefined || filter.trim() === '') return {};
  return Object.fromEntries(
    parseFilter(filter).map(({ attribute, value }) => {
      const name = Object.hasOwn(known, attribute) ? known[attribute] : undefined;
      if (name === undefined || typeof value !== 'string')
        throw scimFault('invalidFilter', `filters are by ${Object.keys(known).join(', ')}, received ${attribute}`);
      return [name, value];
    }),
  );
}

/** RFC 7644 section 3.9: `attributes` and `excludedAttributes`, of the outermost names. */
function shownOf(view: Json, request: FastifyRequest): Json {
  const names = (name: string): ReadonlySet<string> =>
    new Set(
      (queryText(request, name) ?? '')
        .toLowerCase()
        .split(',')
        .flatMap((one) => one.trim().split('.')[0] ?? []),
    );
  const [wanted, unwanted] = [names('attributes'), names('excludedAttributes')];
  const always = (name: string): boolean => name === 'id' || name === 'schemas';
  const isAsked = (name: string): boolean =>
    queryText(request, 'attributes') === undefined ? !unwanted.has(name.toLowerCase()) : wanted.has(name.toLowerCase());
  return Object.fromEntries(Object.entries(view).filter(([name]) => always(name) || isAsked(name)));
}

async function viewOfUser(user: ProvisionedUser, { record, base, request }: Asked, { store }: Door): Promise<Json> {
  const groups = await store.now.provisioning.groupsOf(record.id, user.userId);
  return shownOf(userView(user, groups, base), request);
}

async function viewOfGroup(group: ProvisionedGroup, { base, request }: Asked, { groups }: Door): Promise<Json> {
  const excluded = (queryText(request, 'excludedAttributes') ?? '').toLowerCase().split(',');
  const members = excluded.some((name) => name.trim() === 'members') ? undefined : await groups.members(group);
  return shownOf(groupView(group, members, base), request);
}
