import { Fault, type FaultFacts } from '@enchilada/core/fault';
import { peerText } from '../shared/index.ts';

interface Ssh2Error extends Error {
  readonly level?: string;
  readonly code?: string | number;
}

/** SSH_DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE (RFC 4253 section 11.1). */
const NO_MORE_AUTH_METHODS = 14;
const OPEN_FAILURES: Readonly<
  Record<string, 'TARGET_REFUSED' | 'TARGET_NAME_NOT_FOUND' | 'TARGET_TIMED_OUT' | 'TARGET_NO_ROUTE'>
> = {
  refused: 'TARGET_REFUSED',
  'not known|resolve|no address': 'TARGET_NAME_NOT_FOUND',
  'timed? ?out': 'TARGET_TIMED_OUT',
};

/** The fault for an error of a client's connection, whenever it came. */
export function connectionFault(error: Ssh2Error, facts: FaultFacts): Fault {
  const { level = '', code, message } = error;
  const options = { cause: error, facts };
  const missing = /no matching (.+)$/u.exec(message);
  if (missing !== null) {
    return new Fault(
      'TARGET_NO_COMMON_ALGORITHM',
      `no ${missing[1] ?? 'algorithm'} is shared with the target`,
      options,
    );
  }
  switch (level) {
    case 'client-timeout':
      return new Fault('TARGET_KEEPALIVE_LOST', 'the target stopped answering keepalives', options);
    case 'client-socket':
      return new Fault(
        'TARGET_DISCONNECTED',
        `the connection to the target broke: ${String(code ?? message)}`,
        options,
      );
    case 'client-authentication':
      return new Fault('CREDENTIAL_REFUSED', 'the target refused the credential', options);
  }
  if (typeof code === 'number') {
    if (code === NO_MORE_AUTH_METHODS || /too many authentication failures/iu.test(message)) {
      return new Fault('CREDENTIAL_REFUSED', `the target refused the credential: ${peerText(message, 200)}`, options);
    }
    return new Fault('TARGET_DISCONNECTED', `the target disconnected: ${peerText(message, 200)}`, options);
  }
  return new Fault('TARGET_PROTOCOL_VIOLATION', `the target broke the protocol: ${peerText(message, 200)}`, options);
}

/** The fault for a `direct-tcpip` channel that a jump host did not open (RFC 4254 section 5.1). */
export function forwardFault(error: Error & { readonly reason?: number }, jump: string, facts: FaultFacts): Fault {
  const ADMINISTRATIVELY_PROHIBITED = 1;
  const said = peerText(error.message, 200);
  if (error.reason === ADMINISTRATIVELY_PROHIBITED) {
    return new Fault('TARGET_NO_ROUTE', `the jump host ${jump} does not permit forwarding: ${said}`, {
      cause: error,
      facts,
    });
  }
  const code =
    Object.entries(OPEN_FAILURES).find(([pattern]) => new RegExp(pattern, 'iu').test(error.message))?.[1] ??
    'TARGET_NO_ROUTE';
  return new Fault(code, `the jump host ${jump} cannot reach the target: ${said}`, { cause: error, facts });
}
