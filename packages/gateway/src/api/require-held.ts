import { permissionsOf, type Permission } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { Role } from '@enchilada/core/identity';
import type { SignedInContext } from '../http/context.ts';

/** Nobody hands out, nor takes from somebody, what they lack (T14). @throws Fault FORBIDDEN */
export function requireHeld(context: SignedInContext, role: Role): void {
  const missing = [...permissionsOf(role)].filter((permission: Permission) => !context.permissions.has(permission));
  if (missing.length > 0)
    throw new Fault('FORBIDDEN', `the role ${role} has permissions that you lack: ${missing.join(', ')}`);
}
