import { Fault } from '@enchilada/core/fault';

const DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'UnauthorizedOperation',
  'AuthFailure',
  'InvalidClientTokenId',
  'OptInRequired',
  'ExpiredToken',
  'RequestExpired',
  'CredentialsProviderError',
  'SignatureDoesNotMatch',
]);
const THROTTLED = new Set(['RequestLimitExceeded', 'Throttling', 'ThrottlingException', 'TooManyRequestsException']);

/** A connection that cannot be made has a code and no message. */
function toldBy(cause: unknown): string {
  if (!(cause instanceof Error)) return 'no reason given';
  const { code } = cause as NodeJS.ErrnoException;
  return [cause.message, ...(code === undefined || cause.message.includes(code) ? [] : [code])].join(' ').trim();
}

/** What failed, in the operator's words: which permission is missing in which account. */
export function toDiscoveryFault(
  cause: unknown,
  call: { readonly permission: string; readonly account: string },
): Fault {
  if (cause instanceof Fault) return cause;
  const name = cause instanceof Error ? cause.name : 'unknown';
  const facts = { account: call.account, permission: call.permission };
  const told = toldBy(cause).slice(0, 300);
  // The role is assumed by whichever call needs it first.
  const permission = told.includes('sts:AssumeRole') ? 'sts:AssumeRole' : call.permission;
  if (DENIED.has(name))
    return new Fault('DISCOVERY_DENIED', `${permission} in account ${call.account} was refused: ${told}`, {
      cause,
      facts: { ...facts, permission },
    });
  if (THROTTLED.has(name))
    return new Fault('DISCOVERY_THROTTLED', `${call.permission} in account ${call.account} was throttled`, {
      cause,
      facts,
    });
  return new Fault('DISCOVERY_FAILED', `${call.permission} in account ${call.account} failed: ${name}: ${told}`, {
    cause,
    facts,
  });
}
