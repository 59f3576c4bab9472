import type { Algorithms, CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';

const KEX: readonly KexAlgorithm[] = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
  'diffie-hellman-group14-sha256',
];
const HOST_KEY: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];
/** AES first: node:crypto runs it on the processor's instructions; ssh2 without its native part runs poly1305 as WebAssembly. */
const CIPHER: readonly CipherAlgorithm[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
];
const CHACHA: CipherAlgorithm = 'chacha20-poly1305@openssh.com';
const MAC: readonly MacAlgorithm[] = ['hmac-sha2-256', 'hmac-sha2-512'];
const MAC_ETM: readonly MacAlgorithm[] = ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com'];

const LEGACY_KEX: readonly KexAlgorithm[] = [
  'diffie-hellman-group-exchange-sha1',
  'diffie-hellman-group14-sha1',
  'diffie-hellman-group1-sha1',
];
const LEGACY_HOST_KEY: readonly ServerHostKeyAlgorithm[] = ['ssh-rsa', 'ssh-dss'];
const LEGACY_CIPHER: readonly CipherAlgorithm[] = ['aes256-cbc', 'aes192-cbc', 'aes128-cbc', '3des-cbc'];
const LEGACY_MAC: readonly MacAlgorithm[] = ['hmac-sha1'];

export interface Offer {
  readonly legacyAlgorithms: boolean;
  /** Key types that are pinned for the target come first, so that it shows the key we can compare. */
  readonly pinnedKeyTypes: readonly string[];
  /** Without what prefix truncation needs (CVE-2023-48795), for a peer that lacks strict key exchange. */
  readonly withoutTruncatable: boolean;
}

/** The type of key that a host key algorithm signs with (RFC 8332: rsa-sha2-* use ssh-rsa keys). */
function keyTypeOf(algorithm: ServerHostKeyAlgorithm): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}

export function algorithmsFor({ legacyAlgorithms: legacy, pinnedKeyTypes, withoutTruncatable }: Offer): Algorithms {
  const hostKeys = [...HOST_KEY, ...(legacy ? LEGACY_HOST_KEY : [])];
  const isPinned = (algorithm: ServerHostKeyAlgorithm): boolean => pinnedKeyTypes.includes(keyTypeOf(algorithm));
  return {
    kex: [...KEX, ...(legacy ? LEGACY_KEX : [])],
    serverHostKey: [...hostKeys.filter(isPinned), ...hostKeys.filter((algorithm) => !isPinned(algorithm))],
    cipher: [...CIPHER, ...(withoutTruncatable ? [] : [CHACHA]), ...(legacy ? LEGACY_CIPHER : [])],
    hmac: [...(withoutTruncatable ? [] : MAC_ETM), ...MAC, ...(legacy ? LEGACY_MAC : [])],
    compress: ['none'],
  };
}

/** Whether a negotiated pair can be attacked by prefix truncation where strict key exchange is missing. */
export function isTruncatable(direction: { readonly cipher: string; readonly mac: string }): boolean {
  return direction.cipher === CHACHA || direction.mac.endsWith('-etm@openssh.com');
}
