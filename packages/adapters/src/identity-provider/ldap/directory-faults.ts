import { Fault } from '@enchilada/core/fault';
import { InvalidCredentialsError, ResultCodeError } from 'ldapts';
import { wordsOf } from '../../shared/directory/connection.ts';

/** What Active Directory puts behind `data` in the diagnostic of a refused bind: the right password, and it must be changed. */
const MUST_CHANGE = new Set(['532', '773']);

/** A refused bind as a person, in the product's terms. */
export function refusedBind(cause: unknown): Fault {
  if (!(cause instanceof InvalidCredentialsError)) return unavailable(cause);
  const code = /data ([0-9a-f]{3,8})/iu.exec(cause.message)?.[1] ?? '';
  if (MUST_CHANGE.has(code))
    return new Fault('PASSWORD_EXPIRED', `the directory asks for a new password (${code})`, { cause });
  return new Fault('LOGIN_REFUSED', 'the name or the password is wrong', { cause });
}

export function unavailable(cause: unknown): Fault {
  if (cause instanceof Fault) return cause;
  const kind = cause instanceof ResultCodeError ? 'refuses to be read' : 'cannot be reached';
  return new Fault('PROVIDER_UNAVAILABLE', `the directory ${kind}: ${wordsOf(cause)}`, {
    cause,
  });
}
