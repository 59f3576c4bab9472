import type { Role, VerifiedIdentity } from '../identity/index.ts';

/** What an API token can carry. INVARIANT: a token opens no machine; sessions belong to people at a browser. */
export const TOKEN_PERMISSIONS = [
  'recording.own',
  'recording.read',
  /** What was typed on desktops, which recordings hold sealed under a key of its own. */
  'recording.keys',
  'audit.read',
  'catalog.read',
  'catalog.write',
  'credential.read',
  'credential.write',
  'access.read',
  'access.write',
  'session.manage',
  'settings.read',
  'settings.write',
  'metrics.read',
] as const;
export type TokenPermission = (typeof TOKEN_PERMISSIONS)[number];

/** What a person may do with the product itself; machines are reached by grants alone. */
export const PERMISSIONS = ['machine.use', ...TOKEN_PERMISSIONS] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** INVARIANT: `administrator` holds every permission, so that nobody can hand out what they lack. An auditor reads and opens nothing. */
const BY_ROLE: Readonly<Record<Role, readonly Permission[]>> = {
  user: ['machine.use', 'recording.own'],
  auditor: ['recording.read', 'audit.read'],
  administrator: PERMISSIONS,
};

export function permissionsOf(role: Role): ReadonlySet<Permission> {
  return new Set(BY_ROLE[role]);
}

/** What somebody may do in this request: what their role gives, and with a token only what it carries of that. */
export function permissionsHeld({ user, scope }: Pick<VerifiedIdentity, 'user' | 'scope'>): ReadonlySet<Permission> {
  const held = permissionsOf(user.role);
  return scope === undefined ? held : new Set([...held].filter((permission) => scope.includes(permission)));
}
