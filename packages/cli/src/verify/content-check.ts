import { createDecipheriv, hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { splitWrappedKey } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import { chunkNonce, dataKeyContext, decodeEvents, FLAG, sameBytes } from '@enchilada/core/recording';
import type { Chunk, ContentCheck, VerifyFinding } from '@enchilada/core/recording';

/** `--decrypt`: opens every chunk with the key-encryption key of a key file, and decodes every event. */
export function openContentCheck(keyFile: string): ContentCheck {
  const keys = readFileSync(keyFile, 'utf8')
    .split('\n')
    .flatMap((line) => /^enchilada-kek-1:([A-Za-z0-9+/]{43}=)$/.exec(line.trim())?.[1] ?? [])
    .map((encoded) => Buffer.from(encoded, 'base64'));
  let dataKey: Uint8Array | undefined;
  return {
    begin(id, head) {
      dataKey = unwrap(keys, { wrapped: head.dataKey.wrapped, context: dataKeyContext(id) });
      if (dataKey === undefined)
        return Promise.resolve({ code: 22, message: 'the key file does not unwrap the data key' });
      const commitment = hash('sha256', Buffer.concat([Buffer.from('kc'), dataKey]), 'buffer');
      if (sameBytes(commitment, head.dataKey.commitment)) return Promise.resolve(undefined);
      return Promise.resolve({ code: 22, message: 'the data key is not the one that the recording is committed to' });
    },
    check(chunk) {
      return dataKey === undefined ? undefined : contentFinding(chunk, dataKey);
    },
  };
}

function contentFinding(chunk: Chunk, key: Uint8Array): VerifyFinding | undefined {
  const { header } = chunk;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, chunkNonce(header.epoch, header.seq))
      .setAAD(chunk.headerBytes)
      .setAuthTag(chunk.tag);
    const sealed = decipher.update(chunk.cipher);
    decipher.final();
    const plain =
      (header.flags & FLAG.compressed) === 0
        ? sealed
        : zstdDecompressSync(sealed, { maxOutputLength: Math.max(1, header.plainBytes) });
    if (plain.length !== header.plainBytes)
      return { code: 20, message: `holds ${plain.length} bytes, its header says ${header.plainBytes}` };
    let last = header.firstUs;
    for (const { atUs } of decodeEvents(plain, header.firstUs)) last = atUs;
    return last === header.lastUs || plain.length === 0
      ? undefined
      : { code: 20, message: 'its last event is not at the time its header says' };
  } catch (cause) {
    return { code: 20, message: isFault(cause) ? cause.message : 'does not open under the data key' };
  }
}

function unwrap(
  keys: readonly Buffer[],
  sealed: { readonly wrapped: Uint8Array; readonly context: string },
): Uint8Array | undefined {
  const parts = splitWrappedKey(sealed.wrapped);
  if (parts === undefined) return undefined;
  for (const key of keys) {
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, parts.nonce)
        .setAAD(Buffer.from(sealed.context))
        .setAuthTag(parts.tag);
      return Buffer.concat([decipher.update(parts.sealed), decipher.final()]);
    } catch {
      // Another key of the file may be the one.
    }
  }
  return undefined;
}
