import { Fault } from '@enchilada/core/fault';
import { errors } from 'jose';

/** Asymmetric alone: what is signed with a shared secret could be made by whoever shares it. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** A provider that cannot be reached is another thing than one whose answer does not hold. @throws Fault PROVIDER_UNAVAILABLE, PROVIDER_REFUSED */
export async function believed<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const isAway =
      (cause instanceof TypeError && !('code' in cause)) ||
      cause instanceof errors.JWKSTimeout ||
      (cause instanceof Error && ['TimeoutError', 'AbortError'].includes(cause.name));
    if (isAway) throw new Fault('PROVIDER_UNAVAILABLE', `the provider does not answer: ${wordsOf(cause)}`, { cause });
    throw new Fault('PROVIDER_REFUSED', `the provider's answer does not hold: ${wordsOf(cause)}`, { cause });
  }
}

export function wordsOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\p{C}/gu, ' ').slice(0, 200);
}
