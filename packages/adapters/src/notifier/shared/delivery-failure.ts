import type { Fault } from '@enchilada/core/fault';
import { deliveryFault, type DeliveryReason } from '@enchilada/core/notification';
import { ForbiddenAddress } from '../../shared/judged-lookup.ts';

interface SocketFailure {
  readonly code?: string;
  readonly message: string;
}

const NO_NAME = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA']);
const NO_WAY = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EPIPE'],
]);
/** OpenSSL's words for a certificate or a handshake that it did not take, as Node gives them. */
const TLS = /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|EPROTO$|INVALID_CA)/u;

/** What the socket says of why nothing was delivered. */
export function socketFailure(host: string, cause: unknown): Fault {
  const { code, message } = cause as SocketFailure;
  return deliveryFault({ reason: reasonOf(cause, code ?? ''), host }, `${host}: ${code ?? message}`.slice(0, 300));
}

function reasonOf(cause: unknown, code: string): DeliveryReason {
  if (cause instanceof ForbiddenAddress) return 'address-forbidden';
  if (NO_NAME.has(code)) return 'name-unknown';
  if (code === 'ETIMEDOUT' || code === 'ABORT_ERR') return 'timed-out';
  if (TLS.test(code)) return 'tls-failed';
  return NO_WAY.has(code) ? 'unreachable' : 'other';
}

/** A host that is an address itself, and not to be connected to. */
export function forbidden(host: string, refusal: string): Fault {
  return deliveryFault({ reason: 'address-forbidden', host }, refusal);
}
