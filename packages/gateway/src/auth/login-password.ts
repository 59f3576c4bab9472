import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Secret } from '@enchilada/core/credential';
import type { LoginRecord } from '@enchilada/core/identity';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** The key exists only while the browser shows its cookie: HKDF-SHA256 (RFC 5869) of the cookie, bound to the stored digest. */
function keyOf(cookie: string, digest: string): Buffer {
  return Buffer.from(hkdfSync('sha256', cookie, digest, 'enchilada login password v1', KEY_BYTES));
}

export function sealLoginPassword(password: Secret, cookie: string, digest: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(cookie, digest), nonce);
  cipher.setAAD(Buffer.from(digest));
  return Buffer.concat([nonce, cipher.update(password.reveal(), 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** The password this login was made with; undefined where there is none, or the cookie is not the login's. */
export function unsealLoginPassword(login: LoginRecord, cookie: string): Secret | undefined {
  const sealed = login.sealedPassword;
  if (sealed === undefined || sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyOf(cookie, login.digest), sealed.subarray(0, NONCE_BYTES));
    decipher.setAAD(Buffer.from(login.digest));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return new Secret(
      Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8'),
    );
  } catch {
    return undefined;
  }
}
