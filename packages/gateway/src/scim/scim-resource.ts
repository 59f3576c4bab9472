import type { ProvisionedGroup, ProvisionedUser } from '@enchilada/core/identity';
import { ENTERPRISE_SCHEMA, GROUP_SCHEMA, scimFault, USER_SCHEMA } from './scim-message.ts';
import { isObject, type Json, member } from './scim-patch.ts';

const LONGEST_RESOURCE = 32_000;
/** Ours to say, kept in fields of their own, or never kept at all. */
const NOT_KEPT = ['id', 'meta', 'schemas', 'groups', 'members', 'password', 'username', 'externalid', 'active'];

export interface UserContent {
  readonly userName: string;
  readonly externalId: string | undefined;
  readonly isActive: boolean;
  readonly resource: Json;
}

export interface GroupContent {
  readonly displayName: string;
  readonly externalId: string | undefined;
  readonly members: readonly string[];
  readonly resource: Json;
}

function requiredText(body: Json, name: string): string {
  const value = member(body, name);
  if (typeof value !== 'string' || value.trim() === '' || value.length > 190 || /\p{Cc}/u.test(value))
    throw scimFault('invalidValue', `${name} must be a text of 1 to 190 characters`);
  return value;
}

function externalIdOf(body: Json): string | undefined {
  const value = member(body, 'externalId');
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string' || value.length > 255 || /\p{Cc}/u.test(value))
    throw scimFault('invalidValue', 'externalId must be a text of at most 255 characters');
  return value;
}

/** Entra ID writes `"False"`. */
function activeOf(body: Json): boolean {
  const value = member(body, 'active');
  if (value === undefined || value === null) return true;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^(?:true|false)$/iu.test(value)) return value.toLowerCase() === 'true';
  throw scimFault('invalidValue', 'active must be true or false');
}

function kept(body: Json, more: readonly string[]): Json {
  const resource = Object.fromEntries(
    Object.entries(body).filter(([name]) => ![...NOT_KEPT, ...more].includes(name.toLowerCase())),
  );
  if (JSON.stringify(resource).length > LONGEST_RESOURCE)
    throw scimFault('invalidValue', `a resource has at most ${LONGEST_RESOURCE} characters`);
  return resource;
}

function objectOf(body: unknown): Json {
  if (!isObject(body)) throw scimFault('invalidSyntax', 'the body must be a resource');
  return body;
}

/** @throws Fault INVALID_REQUEST */
export function userContent(given: unknown): UserContent {
  const body = objectOf(given);
  return {
    userName: requiredText(body, 'userName'),
    externalId: externalIdOf(body),
    isActive: activeOf(body),
    resource: kept(body, []),
  };
}

/** @throws Fault INVALID_REQUEST */
export function groupContent(given: unknown): GroupContent {
  const body = objectOf(given);
  const members = member(body, 'members') ?? [];
  if (!Array.isArray(members)) throw scimFault('invalidValue', 'members must be a list');
  return {
    displayName: requiredText(body, 'displayName'),
    externalId: externalIdOf(body),
    members: (members as readonly unknown[]).map((item) => {
      const value = isObject(item) ? member(item, 'value') : undefined;
      if (typeof value !== 'string') throw scimFault('invalidValue', 'a member must have a value');
      return value;
    }),
    resource: kept(body, ['displayname']),
  };
}

/** What the person is called here. */
export function displayNameOf(resource: Json): string {
  const name = member(resource, 'name');
  const parts = isObject(name) ? name : {};
  const text = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');
  const whole = [text(member(parts, 'givenName')), text(member(parts, 'familyName'))].filter((part) => part !== '');
  return text(member(resource, 'displayName')) || text(member(parts, 'formatted')) || whole.join(' ');
}

/** A user as the provider patches it. */
export function userBody({ userName, externalId, isActive, resource }: ProvisionedUser): Json {
  return { ...resource, userName, ...(externalId === undefined ? {} : { externalId }), active: isActive };
}

export function groupBody({ displayName, externalId, resource }: ProvisionedGroup, members: readonly string[]): Json {
  return {
    ...resource,
    displayName,
    ...(externalId === undefined ? {} : { externalId }),
    members: members.map((value) => ({ value })),
  };
}

export function etagOf({ version }: { readonly version: number }): string {
  return `W/"${version}"`;
}

interface Dated {
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

function metaOf(resourceType: 'User' | 'Group', record: Dated, location: string): object {
  return {
    resourceType,
    created: new Date(record.createdAt).toISOString(),
    lastModified: new Date(record.updatedAt).toISOString(),
    location,
    version: etagOf(record),
  };
}

export function userView(user: ProvisionedUser, groups: readonly ProvisionedGroup[], base: string): Json {
  const extensions = Object.hasOwn(user.resource, ENTERPRISE_SCHEMA) ? [ENTERPRISE_SCHEMA] : [];
  return {
    schemas: [USER_SCHEMA, ...extensions],
    id: user.userId,
    ...userBody(user),
    groups: groups.map(({ id, displayName }) => ({
      value: id,
      display: displayName,
      $ref: `${base}/Groups/${id}`,
      type: 'direct',
    })),
    meta: metaOf('User', user, `${base}/Users/${user.userId}`),
  };
}

export function groupView(
  group: ProvisionedGroup,
  /** Absent where they were not asked for. */
  members: readonly { readonly id: string; readonly name: string }[] | undefined,
  base: string,
): Json {
  const { members: _unnamed, ...body } = groupBody(group, []);
  return {
    schemas: [GROUP_SCHEMA],
    id: group.id,
    ...body,
    ...(members === undefined
      ? {}
      : {
          members: members.map(({ id, name }) => ({
            value: id,
            display: name,
            $ref: `${base}/Users/${id}`,
            type: 'User',
          })),
        }),
    meta: metaOf('Group', group, `${base}/Groups/${group.id}`),
  };
}
