import { ENTERPRISE_SCHEMA, GROUP_SCHEMA, listResponse, USER_SCHEMA } from './scim-message.ts';

const CONFIG_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig';
const TYPE_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType';
const SCHEMA_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Schema';
export const MOST_RESULTS = 200;

/** RFC 7643 section 5 */
export function serviceProviderConfig(base: string): object {
  return {
    schemas: [CONFIG_SCHEMA],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: MOST_RESULTS },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'The token that was made in the form of this identity provider',
        specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  };
}

/** RFC 7643 section 6 */
export function resourceTypes(base: string): readonly (object & { readonly id: string })[] {
  const type = (id: 'User' | 'Group', schema: string, extensions: readonly object[]) => ({
    ...{ schemas: [TYPE_SCHEMA], id, name: id, endpoint: `/${id}s`, schema },
    ...(extensions.length === 0 ? {} : { schemaExtensions: extensions }),
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${id}` },
  });
  return [type('User', USER_SCHEMA, [{ schema: ENTERPRISE_SCHEMA, required: false }]), type('Group', GROUP_SCHEMA, [])];
}

interface Attribute {
  readonly name: string;
  readonly type?: 'string' | 'boolean' | 'complex' | 'reference';
  readonly multiValued?: true;
  readonly required?: true;
  readonly readOnly?: true;
  readonly caseExact?: true;
  readonly uniqueness?: 'server';
  readonly sub?: readonly Attribute[];
}

function attribute({ name, type, sub, ...is }: Attribute): object {
  return {
    name,
    type: type ?? (sub === undefined ? 'string' : 'complex'),
    multiValued: is.multiValued === true,
    required: is.required === true,
    caseExact: is.caseExact === true,
    mutability: is.readOnly === true ? 'readOnly' : 'readWrite',
    returned: 'default',
    uniqueness: is.uniqueness ?? 'none',
    ...(sub === undefined ? {} : { subAttributes: sub.map(attribute) }),
  };
}

const LISTED: readonly Attribute[] = [
  { name: 'value' },
  { name: 'type' },
  { name: 'primary', type: 'boolean' },
  { name: 'display' },
];
const ATTRIBUTES: Readonly<Record<string, { readonly name: string; readonly attributes: readonly Attribute[] }>> = {
  [USER_SCHEMA]: {
    name: 'User',
    attributes: [
      { name: 'userName', required: true, uniqueness: 'server' },
      { name: 'externalId', caseExact: true },
      { name: 'name', sub: [{ name: 'formatted' }, { name: 'familyName' }, { name: 'givenName' }] },
      { name: 'displayName' },
      { name: 'title' },
      { name: 'preferredLanguage' },
      { name: 'locale' },
      { name: 'timezone' },
      { name: 'active', type: 'boolean' },
      { name: 'emails', multiValued: true, sub: LISTED },
      { name: 'phoneNumbers', multiValued: true, sub: LISTED },
      { name: 'groups', multiValued: true, readOnly: true, sub: [{ name: 'value' }, { name: 'display' }] },
    ],
  },
  [ENTERPRISE_SCHEMA]: {
    name: 'EnterpriseUser',
    attributes: [
      { name: 'employeeNumber' },
      { name: 'costCenter' },
      { name: 'organization' },
      { name: 'division' },
      { name: 'department' },
      { name: 'manager', sub: [{ name: 'value' }, { name: 'displayName' }] },
    ],
  },
  [GROUP_SCHEMA]: {
    name: 'Group',
    attributes: [
      { name: 'displayName', required: true },
      { name: 'externalId', caseExact: true },
      {
        name: 'members',
        multiValued: true,
        sub: [{ name: 'value', caseExact: true }, { name: 'display' }, { name: 'type' }],
      },
    ],
  },
};

/** RFC 7643 section 7 */
export function schemas(base: string): readonly (object & { readonly id: string })[] {
  return Object.entries(ATTRIBUTES).map(([id, { name, attributes }]) => ({
    ...{ schemas: [SCHEMA_SCHEMA], id, name },
    attributes: attributes.map(attribute),
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${id}` },
  }));
}

export function wholeList(items: readonly object[]): object {
  return listResponse(items, 1, items.length);
}
