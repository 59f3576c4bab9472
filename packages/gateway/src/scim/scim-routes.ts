import { Fault } from '@enchilada/core/fault';
import type { ProviderRecord, ProvisionedGroup, ProvisionedUser } from '@enchilada/core/identity';
import type { Slice, Sliced, Store } from '@enchilada/core/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ScimGroups } from './scim-groups.ts';
import { listResponse, SCIM_MEDIA_TYPE } from './scim-message.ts';
import type { Json } from './scim-patch.ts';
import { isExcluded, isUnchanged, preconditionOf, queryOf, shownOf, sliceOf } from './scim-query.ts';
import { etagOf, groupView, userView } from './scim-resource.ts';
import { resourceTypes, schemas, serviceProviderConfig, wholeList } from './scim-schemas.ts';
import type { Precondition, ScimUsers } from './scim-users.ts';

/** A request of the provider whose token it carries. */
export interface Asked {
  readonly record: ProviderRecord;
  /** The address below which the provider finds its resources. */
  readonly base: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Of the resource that the path names, or empty. */
  readonly id: string;
}

export interface Door {
  readonly users: ScimUsers;
  readonly groups: ScimGroups;
  readonly store: Store;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly handle: (asked: Asked, door: Door) => Promise<FastifyReply> | FastifyReply;
}

interface Given {
  readonly id: string;
  readonly body: unknown;
}

/** What is done with resources of either type. */
interface Resources<T> {
  list(record: ProviderRecord, query: Readonly<Record<string, string>>, slice: Slice): Promise<Sliced<T>>;
  get(record: ProviderRecord, id: string): Promise<T>;
  create(record: ProviderRecord, body: unknown): Promise<T>;
  replace(record: ProviderRecord, given: Given, requireCurrent: Precondition): Promise<T>;
  patch(record: ProviderRecord, given: Given, requireCurrent: Precondition): Promise<T>;
  delete(record: ProviderRecord, id: string): Promise<void>;
}

interface ResourceRoutes<T> {
  readonly path: '/Users' | '/Groups';
  /** By what a list may be filtered, in small letters, and what it is called here. */
  readonly filters: Readonly<Record<string, string>>;
  readonly resources: (door: Door) => Resources<T>;
  readonly idOf: (resource: T) => string;
  readonly view: (resource: T, asked: Asked, door: Door) => Promise<Json>;
}

export function answer(reply: FastifyReply, status: number, body?: object): FastifyReply {
  if (body === undefined) return reply.code(status).send();
  return reply.code(status).type(SCIM_MEDIA_TYPE).serializer(JSON.stringify).send(body);
}

function find<T extends { readonly id: string }>(items: readonly T[], id: string): T {
  const found = items.find((item) => item.id === id);
  if (found === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
  return found;
}

/** RFC 7644 section 3.2 */
function routesOf<T extends { readonly version: number }>(of: ResourceRoutes<T>): readonly Route[] {
  const { path, filters, resources, idOf, view } = of;
  const shown = async (resource: T, asked: Asked, door: Door): Promise<Json> =>
    shownOf(await view(resource, asked, door), asked.request);
  const tagged = async (resource: T, asked: Asked, door: Door): Promise<FastifyReply> => {
    asked.reply.header('etag', etagOf(resource));
    return answer(asked.reply, asked.request.method === 'POST' ? 201 : 200, await shown(resource, asked, door));
  };
  return [
    {
      method: 'GET',
      path,
      handle: async (asked, door) => {
        const { slice, startIndex } = sliceOf(asked.request);
        const query = queryOf(asked.request, filters);
        const { items, total } = await resources(door).list(asked.record, query, slice);
        const views = await Promise.all(items.map((resource) => shown(resource, asked, door)));
        return answer(asked.reply, 200, listResponse(views, startIndex, total));
      },
    },
    {
      method: 'POST',
      path,
      handle: async (asked, door) => {
        const made = await resources(door).create(asked.record, asked.request.body);
        asked.reply.header('location', `${asked.base}${path}/${idOf(made)}`);
        return tagged(made, asked, door);
      },
    },
    {
      method: 'GET',
      path: `${path}/:id`,
      handle: async (asked, door) => {
        const resource = await resources(door).get(asked.record, asked.id);
        return isUnchanged(asked.request, resource) ? answer(asked.reply, 304) : tagged(resource, asked, door);
      },
    },
    ...(['PUT', 'PATCH'] as const).map((method): Route => ({
      method,
      path: `${path}/:id`,
      handle: async (asked, door) => {
        const { record, id, request } = asked;
        const given = { id, body: request.body };
        const changed = await resources(door)[method === 'PUT' ? 'replace' : 'patch'](
          record,
          given,
          preconditionOf(request),
        );
        return tagged(changed, asked, door);
      },
    })),
    {
      method: 'DELETE',
      path: `${path}/:id`,
      handle: async ({ record, id, reply }, door) => {
        await resources(door).delete(record, id);
        return answer(reply, 204);
      },
    },
  ];
}

const USERS: ResourceRoutes<ProvisionedUser> = {
  path: '/Users',
  filters: { id: 'id', username: 'userName', externalid: 'externalId' },
  resources: ({ users }) => users,
  idOf: ({ userId }) => userId,
  view: async (user, { record, base }, { store }) =>
    userView(user, await store.now.provisioning.groupsOf(record.id, user.userId), base),
};

const GROUPS: ResourceRoutes<ProvisionedGroup> = {
  path: '/Groups',
  filters: {
    ...{ id: 'id', displayname: 'displayName', externalid: 'externalId' },
    ...{ members: 'member', 'members.value': 'member' },
  },
  resources: ({ groups }) => groups,
  idOf: ({ id }) => id,
  view: async (group, { base, request }, { groups }) => {
    const members = isExcluded(request, 'members') ? undefined : await groups.members(group);
    return groupView(group, members, base);
  },
};

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
  ...routesOf(USERS),
  ...routesOf(GROUPS),
];
