import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { AuthorizedTarget } from '@enchilada/core/access';
import { Secret, SecretBytes } from '@enchilada/core/credential';
import type { Credential, CredentialRecord, CredentialVault, KeyEncryption, SealedCredential, SealRequest } from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

interface Sealed {
  readonly password?: string;
  readonly privateKey?: string;
  readonly passphrase?: string;
}

/** Binds a ciphertext to its place, so that it opens nowhere else (NIST SP 800-38D, additional authenticated data). */
function placeOf(id: string, version: number): string {
  return ['credential', id, 'sealed', String(version)].join('\u241f');
}

/** AES-256-GCM under a data key of the row; the data key is wrapped by the key-encryption key. There is no way around it: without the key nothing is stored. */
class EnvelopeVault implements CredentialVault {
  readonly #keys: KeyEncryption;

  constructor(keys: KeyEncryption) {
    this.#keys = keys;
  }

  async seal(request: SealRequest): Promise<SealedCredential> {
    const { password, privateKey, passphrase } = request;
    const place = placeOf(request.id, request.version);
    using key = new SecretBytes(randomBytes(KEY_BYTES));
    const wrapped = await this.#keys.wrap(key, place);
    const parts: Sealed = {
      ...(password === undefined ? {} : { password: password.reveal() }),
      ...(privateKey === undefined ? {} : { privateKey: privateKey.reveal() }),
      ...(passphrase === undefined ? {} : { passphrase: passphrase.reveal() }),
    };
    using plain = new SecretBytes(Buffer.from(JSON.stringify(parts)));
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key.reveal(), nonce).setAAD(Buffer.from(place));
    const ciphertext = Buffer.concat([cipher.update(plain.reveal()), cipher.final(), cipher.getAuthTag()]);
    return { keyId: wrapped.keyId, wrappedKey: wrapped.bytes, nonce, ciphertext };
  }

  async unseal(record: CredentialRecord, _leave: AuthorizedTarget): Promise<Credential> {
    const { sealed, kind, username } = record;
    if (sealed === undefined) throw new Fault('CREDENTIAL_MISSING', `the credential ${record.name} holds no secret`);
    const parts = await this.#open(record, sealed);
    if (kind === 'password' && parts.password !== undefined) return { kind, username, password: new Secret(parts.password) };
    if (kind === 'private-key' && parts.privateKey !== undefined) {
      const passphrase = parts.passphrase === undefined ? {} : { passphrase: new Secret(parts.passphrase) };
      return { kind, username, privateKey: new Secret(parts.privateKey), ...passphrase };
    }
    throw new Fault('CREDENTIAL_MISSING', `the credential ${record.name} holds no ${kind}`);
  }

  async #open(record: CredentialRecord, sealed: SealedCredential): Promise<Sealed> {
    const place = placeOf(record.id, record.version);
    try {
      using key = await this.#keys.unwrap({ keyId: sealed.keyId, bytes: sealed.wrappedKey }, place);
      const body = sealed.ciphertext.subarray(0, -TAG_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key.reveal(), sealed.nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.ciphertext.subarray(-TAG_BYTES));
      using plain = new SecretBytes(Buffer.concat([decipher.update(body), decipher.final()]));
      return JSON.parse(Buffer.from(plain.reveal()).toString()) as Sealed;
    } catch (cause) {
      if (isFault(cause, 'KEY_UNAVAILABLE')) throw cause;
      throw new Fault('CREDENTIAL_UNAVAILABLE', `the sealed credential ${record.name} does not open`, { cause });
    }
  }
}

export function envelopeVault(keys: KeyEncryption): CredentialVault {
  return new EnvelopeVault(keys);
}
