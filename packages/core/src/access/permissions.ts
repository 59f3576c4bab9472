import type { Role } from '../identity/index.ts';

/** What a person may do with the product itself; machines are reached by grants alone. */
export const PERMISSIONS = [
  'machine.use',
  'recording.own',
  'recording.read',
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
