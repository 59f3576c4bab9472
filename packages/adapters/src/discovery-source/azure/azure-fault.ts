import { Fault } from '@enchilada/core/fault';

export interface AzureCall {
  /** As role definitions name it. */
  readonly permission: string;
  /** Of which subscription, queue or group. */
  readonly account: string;
}

const DENIED = new Set([401, 403]);
const CREDENTIAL_FAULTS = new Set([
  'CredentialUnavailableError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'AggregateAuthenticationError',
]);

/** What failed, in the operator's words: which permission is missing where. */
export function toDiscoveryFault(cause: unknown, { permission, account }: AzureCall): Fault {
  if (cause instanceof Fault) return cause;
  const {
    name = 'unknown',
    message = 'no reason given',
    statusCode,
    status,
  } = (cause ?? {}) as {
    readonly name?: string;
    readonly message?: string;
    readonly statusCode?: number | string;
    readonly status?: number | string;
  };
  const code = Number(statusCode ?? status);
  const told = message.slice(0, 300);
  const options = { cause, facts: { account, permission } };
  if (CREDENTIAL_FAULTS.has(name))
    return new Fault('DISCOVERY_DENIED', `the node's identity could not be proved: ${told}`, options);
  if (DENIED.has(code))
    return new Fault('DISCOVERY_DENIED', `${permission} on ${account} was refused: ${told}`, options);
  if (code === 429) return new Fault('DISCOVERY_THROTTLED', `${permission} on ${account} was throttled`, options);
  return new Fault('DISCOVERY_FAILED', `${permission} on ${account} failed: ${name}: ${told}`, options);
}
