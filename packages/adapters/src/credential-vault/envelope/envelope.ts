import { createCipheriv, createDecipheriv } from 'node:crypto';
import { SecretBytes, type KeyEncryption, type SealedBytes } from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';
import type { RandomSource } from '@enchilada/core/time';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';

export interface EnvelopeParts {
  readonly keyEncryption: KeyEncryption;
  readonly random: RandomSource;
}

/** INVARIANT: names the table, the row, the column and the version; moved to any other place, neither key nor secret opens. */
export function bindingOf(table: string, id: string, version: number): string {
  return JSON.stringify([table, id, 'ciphertext', version]);
}

/** Seals under a data key of its own, the data key under the key-encryption key; both bound to the place where they will lie. */
export async function sealBytes(
  { keyEncryption, random }: EnvelopeParts,
  plain: SecretBytes,
  binding: string,
): Promise<SealedBytes> {
  using dataKey = new SecretBytes(random.bytes(KEY_BYTES));
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, dataKey.reveal(), nonce, { authTagLength: TAG_BYTES }).setAAD(
    Buffer.from(binding, 'utf8'),
  );
  const ciphertext = Uint8Array.from(
    Buffer.concat([cipher.update(plain.reveal()), cipher.final(), cipher.getAuthTag()]),
  );
  const wrapped = await keyEncryption.wrap(dataKey, binding);
  return { keyId: wrapped.keyId, wrappedKey: wrapped.bytes, nonce, ciphertext };
}

/** @throws Fault KEY_UNAVAILABLE, CREDENTIAL_UNAVAILABLE */
export async function openBytes(
  { keyEncryption }: Pick<EnvelopeParts, 'keyEncryption'>,
  sealed: SealedBytes,
  binding: string,
): Promise<SecretBytes> {
  try {
    using dataKey = await keyEncryption.unwrap({ keyId: sealed.keyId, bytes: sealed.wrappedKey }, binding);
    if (sealed.nonce.length !== NONCE_BYTES || sealed.ciphertext.length < TAG_BYTES)
      throw new RangeError('the envelope is cut');
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
    throw new Fault(
      'CREDENTIAL_UNAVAILABLE',
      'the sealed credential does not open: wrong key-encryption key or altered row',
      { cause },
    );
  }
}
