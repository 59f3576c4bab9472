import type { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { passwordWeakness } from '@enchilada/core/identity';

/** @throws Fault PASSWORD_TOO_WEAK, its fact `weakness` names why */
export function requireStrong(password: Secret, username: string): void {
  const weakness = passwordWeakness(password.reveal(), username);
  if (weakness !== undefined)
    throw new Fault('PASSWORD_TOO_WEAK', `the password is ${weakness}`, { facts: { weakness } });
}
