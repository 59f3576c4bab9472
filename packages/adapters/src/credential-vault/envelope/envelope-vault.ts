import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { AuthorizedTarget } from '@enchilada/core/access';
import {
  Secret,
  SecretBytes,
  type Credential,
  type CredentialRecord,
  type CredentialVault,
  type KeyEncryption,
  type SealedCredential,
  type SealRequest,
} from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';
import type { RandomSource } from '@enchilada/core/time';

const TABLE = 'credential';
const COLUMN = 'ciphertext';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';

export interface EnvelopeVaultParts {
  readonly keyEncryption: KeyEncryption;
  readonly random: RandomSource;
}

/** Each secret under a data key of its own, the data key under the key-encryption key; both bound to the place where they lie. */
export function envelopeVault({ keyEncryption, random }: EnvelopeVaultParts): CredentialVault {
  return {
    async seal(request) {
      const binding = bindingOf(request.id, request.version);
      using dataKey = new SecretBytes(random.bytes(KEY_BYTES));
      using plain = new SecretBytes(encodeParts(request));
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, dataKey.reveal(), nonce, { authTagLength: TAG_BYTES }).setAAD(
        Buffer.from(binding, 'utf8'),
      );
      const ciphertext = Uint8Array.from(
        Buffer.concat([cipher.update(plain.reveal()), cipher.final(), cipher.getAuthTag()]),
      );
      const wrapped = await keyEncryption.wrap(dataKey, binding);
      return { keyId: wrapped.keyId, version: request.version, wrappedKey: wrapped.bytes, nonce, ciphertext };
    },

    async unseal(record: CredentialRecord, leave: AuthorizedTarget): Promise<Credential> {
      const { sealed } = record;
      if (leave.target.credentialId !== record.id)
        throw unavailable('the credential does not belong to the authorised target');
      if (sealed === undefined) throw missing(record);
      // A row may be renamed and keep its secret; a secret from a later version than the row's was put there.
      if (sealed.version > record.version)
        throw unavailable(`version ${sealed.version} of the secret is newer than version ${record.version} of the row`);
      using plain = await open(record.id, sealed, keyEncryption);
      const { password, privateKey, passphrase } = decodeParts(plain.reveal());
      const { kind, username } = record;
      if (kind === 'password' && password !== undefined) return { kind, username, password };
      // What a launch password is opened with.
      if ((kind === 'private-key' || kind === 'launch-password') && privateKey !== undefined)
        return { kind: 'private-key', username, privateKey, ...(passphrase === undefined ? {} : { passphrase }) };
      throw missing(record);
    },
  };
}

function missing({ name, kind }: CredentialRecord): Fault {
  return new Fault('CREDENTIAL_MISSING', `the credential ${name} holds no ${kind}`);
}

/** INVARIANT: names the table, the row, the column and the version; moved to any other place, neither key nor secret opens. */
function bindingOf(id: string, version: number): string {
  return JSON.stringify([TABLE, id, COLUMN, version]);
}

async function open(id: string, sealed: SealedCredential, keyEncryption: KeyEncryption): Promise<SecretBytes> {
  const binding = bindingOf(id, sealed.version);
  try {
    using dataKey = await keyEncryption.unwrap({ keyId: sealed.keyId, bytes: sealed.wrappedKey }, binding);
    if (sealed.nonce.length !== NONCE_BYTES || sealed.ciphertext.length < TAG_BYTES)
      throw new RangeError('the sealed credential is cut');
    const decipher = createDecipheriv(ALGORITHM, dataKey.reveal(), sealed.nonce, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(binding, 'utf8'))
      .setAuthTag(sealed.ciphertext.subarray(-TAG_BYTES));
    const plain = decipher.update(sealed.ciphertext.subarray(0, -TAG_BYTES));
    try {
      decipher.final();
    } catch (error) {
      plain.fill(0);
      throw error;
    }
    return new SecretBytes(plain);
  } catch (cause) {
    if (isFault(cause, 'KEY_UNAVAILABLE')) throw cause;
    throw unavailable('the sealed credential does not open: wrong key-encryption key or altered row', cause);
  }
}

function unavailable(message: string, cause?: unknown): Fault {
  return new Fault('CREDENTIAL_UNAVAILABLE', message, cause === undefined ? {} : { cause });
}

const PARTS = ['password', 'privateKey', 'passphrase'] as const;

/** Per part: its number (1), its length (4), its UTF-8. Bytes, because the text that JSON would make of it could not be overwritten. */
function encodeParts(request: SealRequest): Uint8Array {
  const texts = PARTS.map((part) => request[part]?.reveal());
  const out = Buffer.alloc(
    texts.reduce(
      (sum, text) => sum + (text === undefined ? 0 : 1 /* part */ + 4 /* length */ + Buffer.byteLength(text, 'utf8')),
      0,
    ),
  );
  let at = 0;
  texts.forEach((text, part) => {
    if (text === undefined) return;
    const length = out.write(text, at + 5, 'utf8');
    out.writeUInt8(part, at);
    out.writeUInt32BE(length, at + 1);
    at += 5 + length;
  });
  return out;
}

function decodeParts(plain: Uint8Array): Partial<Record<(typeof PARTS)[number], Secret>> {
  const bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
  const parts: Partial<Record<(typeof PARTS)[number], Secret>> = {};
  for (let at = 0; at + 5 <= bytes.length;) {
    const part = PARTS[bytes.readUInt8(at)];
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if (part === undefined || end > bytes.length)
      throw unavailable('the sealed credential was written by a newer release');
    parts[part] = new Secret(bytes.toString('utf8', at + 5, end));
    at = end;
  }
  return parts;
}
