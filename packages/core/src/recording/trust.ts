import { fromHex, toHex, utf8 } from './bytes.ts';
import { isJsonObject } from './canonical-json.ts';
import type { JsonValue } from './canonical-json.ts';
import type { KeyAssurance, RecordingSigner } from './signed-document.ts';

/** Public recording keys that an auditor holds offline. A retired key stays in the file for the recordings it signed. */
export interface TrustedKey {
  readonly keyId: string;
  readonly publicKey: Uint8Array;
  readonly assurance: KeyAssurance;
}

export type TrustStore = ReadonlyMap<string, TrustedKey>;

export function trustStoreOf(keys: Iterable<Pick<RecordingSigner, keyof TrustedKey>>): TrustStore {
  return new Map([...keys].map(({ keyId, publicKey, assurance }) => [keyId, { keyId, publicKey, assurance }]));
}

export function formatTrustFile(trust: TrustStore): Uint8Array<ArrayBuffer> {
  const keys = [...trust.values()].map((key) => ({ ...key, publicKey: toHex(key.publicKey) }));
  return utf8(`${JSON.stringify({ format: 'enchilada-trust', version: 1, keys }, undefined, 2)}\n`);
}

/** Undefined where the text is no trust file or holds no key. */
export function parseTrustFile(bytes: Uint8Array): TrustStore | undefined {
  let value: JsonValue;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as JsonValue;
  } catch {
    return undefined;
  }
  if (
    !isJsonObject(value) ||
    value['format'] !== 'enchilada-trust' ||
    value['version'] !== 1 ||
    !Array.isArray(value['keys'])
  )
    return undefined;
  const keys: TrustedKey[] = [];
  for (const entry of value['keys'] as readonly JsonValue[]) {
    const publicKey = isJsonObject(entry) ? fromHex(entry['publicKey'], 32) : undefined;
    if (!isJsonObject(entry) || publicKey === undefined || typeof entry['keyId'] !== 'string') return undefined;
    keys.push({ keyId: entry['keyId'], publicKey, assurance: entry['assurance'] === 'kms' ? 'kms' : 'local' });
  }
  return keys.length === 0 ? undefined : trustStoreOf(keys);
}
