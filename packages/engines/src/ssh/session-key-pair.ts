import { generateKeyPairSync } from 'node:crypto';
import { Secret } from '@enchilada/core/credential';

export interface SessionKeyPair {
  /** One line, as in `authorized_keys`. */
  readonly publicKey: string;
  readonly privateKey: Secret;
}

/** An Ed25519 key for one session. https://www.rfc-editor.org/rfc/rfc8709#section-4 */
export function makeSessionKeyPair(): SessionKeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const type = Buffer.from('ssh-ed25519');
  const field = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return {
    publicKey: `${type.toString()} ${Buffer.concat([field(type), field(point)]).toString('base64')}`,
    privateKey: new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
  };
}
