import { fromHex, toHex, utf8 } from './bytes.ts';
import { canonicalJson, isJsonObject, parseCanonicalJson } from './canonical-json.ts';
import type { JsonObject, JsonValue } from './canonical-json.ts';

export type DocumentFormat =
  'enchilada-recording' | 'enchilada-recovery' | 'enchilada-manifest' | 'enchilada-checkpoint';

/** `local`: the key is a file on the node, so whoever is root there can sign. `kms`: the key never leaves a key management service. */
export type KeyAssurance = 'local' | 'kms';

/** The installation's recording key. It certifies each recording's first key and counter-signs each manifest and checkpoint. */
export interface RecordingSigner {
  readonly keyId: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly assurance: KeyAssurance;
  /** @throws Fault KEY_UNAVAILABLE */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** A canonical JSON object of one format, with signatures over everything but themselves. */
export interface SignedDocument {
  readonly body: JsonObject;
  readonly signatures: JsonObject;
}

export interface ClusterSignature {
  readonly keyId: string;
  readonly signature: Uint8Array;
}

/** What is signed: the format's name keeps a signature on one kind of document from being used on another. */
export function signedBytes(body: JsonObject): Uint8Array<ArrayBuffer> {
  return utf8(`${body['format'] as string}\n${canonicalJson(body)}`);
}

/** @param epochSignature by the key of the last epoch; manifests have it. */
export async function signDocument(
  body: JsonObject,
  signer: RecordingSigner,
  epochSignature?: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const cluster = {
    keyId: signer.keyId,
    assurance: signer.assurance,
    signature: toHex(await signer.sign(signedBytes(body))),
  };
  return utf8(canonicalJson({ ...body, signatures: { cluster, epoch: epochSignature && toHex(epochSignature) } }));
}

/** Undefined for anything that is not a canonical document of the format and version 1. */
export function parseDocument(bytes: Uint8Array, format: DocumentFormat): SignedDocument | undefined {
  const document = parseCanonicalJson(bytes);
  if (document?.['format'] !== format || document['version'] !== 1) return undefined;
  const { signatures, ...body } = document;
  return isJsonObject(signatures) ? { body, signatures } : undefined;
}

export function clusterSignature(document: SignedDocument): ClusterSignature | undefined {
  const cluster = document.signatures['cluster'];
  if (!isJsonObject(cluster)) return undefined;
  const signature = fromHex(cluster['signature'], 64);
  return typeof cluster['keyId'] === 'string' && signature !== undefined
    ? { keyId: cluster['keyId'], signature }
    : undefined;
}

export function textField(object: JsonObject, name: string): string | undefined {
  const value = object[name];
  return typeof value === 'string' ? value : undefined;
}

export function countField(object: JsonObject, name: string): number | undefined {
  const value = object[name];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export function objectField(object: JsonObject, name: string): JsonObject | undefined {
  const value: JsonValue | undefined = object[name];
  return isJsonObject(value) ? value : undefined;
}
