import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { joinWrappedKey, SecretBytes, splitWrappedKey } from '@enchilada/core/credential';
import type { KeyEncryption, WrappedKey } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { RandomSource } from '@enchilada/core/time';
import { openKeyFile } from '../../shared/private-file.ts';

const LINE = /^enchilada-kek-1:([A-Za-z0-9+/]{43}=)$/;

export interface FileKeyEncryptionOptions {
  /** One key a line, the first wraps, all unwrap: a rotation puts the new key before the old ones. */
  readonly path: string;
  readonly random: RandomSource;
  /** A missing file is a fault where it only opens what was sealed before: a new key would open nothing. */
  readonly absent?: 'make' | 'refuse';
}

/** Reads the key file, or makes it at first start. @throws Fault KEY_UNAVAILABLE where others may read it, or it holds no key. */
export async function openFileKeyEncryption(options: FileKeyEncryptionOptions): Promise<KeyEncryption> {
  const { path, random, absent = 'make' } = options;
  const text = await openKeyFile(path, () => {
    if (absent === 'refuse') throw new Fault('KEY_UNAVAILABLE', `there is no key file ${path}`);
    return `enchilada-kek-1:${Buffer.from(random.bytes(32)).toString('base64')}\n`;
  });
  const keys = new Map<string, SecretBytes>();
  for (const line of text.split('\n').filter((candidate) => candidate.trim() !== '' && !candidate.startsWith('#'))) {
    const encoded = LINE.exec(line.trim())?.[1];
    if (encoded === undefined) throw new Fault('KEY_UNAVAILABLE', `the key file ${path} has a line that is no key`);
    const key = Buffer.from(encoded, 'base64');
    keys.set(
      createHash('sha256').update('enchilada kek id').update(key).digest('hex').slice(0, 16),
      new SecretBytes(key),
    );
  }
  const [current] = keys.keys();
  if (current === undefined) throw new Fault('KEY_UNAVAILABLE', `the key file ${path} holds no key`);
  return new FileKeyEncryption({ keyId: current, keys, random });
}

class FileKeyEncryption implements KeyEncryption {
  readonly keyId: string;
  readonly #keys: ReadonlyMap<string, SecretBytes>;
  readonly #random: RandomSource;

  constructor(parts: { keyId: string; keys: ReadonlyMap<string, SecretBytes>; random: RandomSource }) {
    this.keyId = parts.keyId;
    this.#keys = parts.keys;
    this.#random = parts.random;
  }

  get opens(): readonly string[] {
    return [...this.#keys.keys()];
  }

  wrap(key: SecretBytes, context: string): Promise<WrappedKey> {
    const nonce = this.#random.bytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key(this.keyId).reveal(), nonce).setAAD(Buffer.from(context));
    const sealed = Buffer.concat([cipher.update(key.reveal()), cipher.final()]);
    return Promise.resolve({ keyId: this.keyId, bytes: joinWrappedKey({ nonce, sealed, tag: cipher.getAuthTag() }) });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a wrong key is a rejection, as with a key management service
  async unwrap(wrapped: WrappedKey, context: string): Promise<SecretBytes> {
    const key = this.#key(wrapped.keyId);
    const parts = splitWrappedKey(wrapped.bytes);
    if (parts === undefined)
      throw new Fault('KEY_UNAVAILABLE', `a wrapped key of ${wrapped.bytes.length} bytes is too short`);
    try {
      const decipher = createDecipheriv('aes-256-gcm', key.reveal(), parts.nonce).setAAD(Buffer.from(context));
      decipher.setAuthTag(parts.tag);
      return new SecretBytes(Buffer.concat([decipher.update(parts.sealed), decipher.final()]));
    } catch (cause) {
      throw new Fault('KEY_UNAVAILABLE', `a key wrapped by ${wrapped.keyId} does not open in the context ${context}`, {
        cause,
      });
    }
  }

  #key(keyId: string): SecretBytes {
    const key = this.#keys.get(keyId);
    if (key === undefined) throw new Fault('KEY_UNAVAILABLE', `the key file has no key ${keyId}`);
    return key;
  }
}
