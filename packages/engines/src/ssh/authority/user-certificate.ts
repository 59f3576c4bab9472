import type { CertificateRequest } from '@enchilada/core/credential';
import { string, uint32, uint64 } from './wire.ts';

export const CERTIFICATE_TYPE = 'ssh-ed25519-cert-v01@openssh.com';
export const KEY_TYPE = 'ssh-ed25519';
export const USER_CERTIFICATE = 1;

export interface CertificateParts {
  readonly request: CertificateRequest;
  /** 32 bytes each. */
  readonly publicKey: Uint8Array;
  readonly authorityKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly serial: bigint;
  readonly sign: (data: Uint8Array) => Uint8Array;
}

/** A user certificate as one line. https://www.ietf.org/archive/id/draft-miller-ssh-cert-06.html section 2.1.3; openssh-portable PROTOCOL.certkeys */
export function userCertificate(parts: CertificateParts): string {
  const { request } = parts;
  const signed = Buffer.concat([
    string(CERTIFICATE_TYPE),
    string(parts.nonce),
    string(parts.publicKey),
    uint64(parts.serial),
    uint32(USER_CERTIFICATE),
    string(request.keyId),
    string(Buffer.concat(request.principals.map(string))),
    uint64(seconds(request.notBefore)),
    uint64(seconds(request.notAfter)),
    string(criticalOptions(request)),
    string(Buffer.concat([string(extensionOf(request)), string('')])),
    string('') /* reserved */,
    string(publicBlob(parts.authorityKey)),
  ]);
  const signature = Buffer.concat([string(KEY_TYPE), string(parts.sign(signed))]);
  return `${CERTIFICATE_TYPE} ${Buffer.concat([signed, string(signature)]).toString('base64')}`;
}

export function publicBlob(key: Uint8Array): Buffer {
  return Buffer.concat([string(KEY_TYPE), string(key)]);
}

function criticalOptions({ sourceNetworks }: CertificateRequest): Buffer {
  // Its data is a string of its own inside the string.
  return sourceNetworks.length === 0
    ? Buffer.alloc(0)
    : Buffer.concat([string('source-address'), string(string(sourceNetworks.join(',')))]);
}

/** INVARIANT: the least that is needed (T31): a terminal, or connections to the next machine; no agent, no X11, no ~/.ssh/rc. */
export function extensionOf({ purpose }: CertificateRequest): string {
  return purpose === 'passage' ? 'permit-port-forwarding' : 'permit-pty';
}

function seconds(ms: number): bigint {
  return BigInt(Math.floor(ms / 1_000));
}
