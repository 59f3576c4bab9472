import { fromHex, toHex } from './bytes.ts';
import type { JsonObject } from './canonical-json.ts';
import type { RecordingDescription, RecordingId } from './recorder.ts';
import { countField, objectField, parseDocument, textField } from './signed-document.ts';
import type { SignedDocument } from './signed-document.ts';

/** The data key of a recording: wrapped by the key-encryption key, and committed to, since AES-GCM alone fits several keys to one tag. */
export interface SealedDataKey {
  readonly keyId: string;
  readonly wrapped: Uint8Array;
  /** SHA-256("kc" ‖ key). */
  readonly commitment: Uint8Array;
}

/** head.json: written before the first event, and the first link of the chain. The cluster's signature certifies the key of epoch 0. */
export interface RecordingHead {
  readonly recording: RecordingId;
  readonly description: RecordingDescription;
  readonly dataKey: SealedDataKey;
  readonly epochKey: Uint8Array;
  /** Seals what was typed on a desktop; wrapped apart, so that it can be opened apart. */
  readonly inputKey?: SealedDataKey;
}

/** recovered-<chunk>.json: keys of the chunks that a restart sealed from the journal, from `firstSeq` on. */
export interface RecoveredHead {
  readonly recording: RecordingId;
  /** Digest of head.json. */
  readonly head: Uint8Array;
  readonly node: string;
  readonly firstSeq: number;
  readonly epoch: number;
  readonly recoveredAt: number;
  readonly dataKey: SealedDataKey;
  /** The node's recovery key for this recording, certified by the cluster's signature on this document. */
  readonly epochKey: Uint8Array;
}

/** Wrapping binds a data key to its recording. */
export function dataKeyContext(id: RecordingId): string {
  return `recording:${id}`;
}

/** Another context than that of the data key: a key management service can permit one and refuse the other. */
export function inputKeyContext(id: RecordingId): string {
  return `recording-input:${id}`;
}

export function headBody(head: RecordingHead): JsonObject {
  return {
    format: 'enchilada-recording',
    version: 1,
    recording: head.recording,
    description: head.description as unknown as JsonObject,
    dataKey: dataKeyBody(head.dataKey),
    epochKey: toHex(head.epochKey),
    ...(head.inputKey === undefined ? {} : { inputKey: dataKeyBody(head.inputKey) }),
  };
}

export function recoveredHeadBody(head: RecoveredHead): JsonObject {
  const { recording, node, firstSeq, epoch, recoveredAt } = head;
  return {
    format: 'enchilada-recovery',
    version: 1,
    ...{ recording, node, firstSeq, epoch, recoveredAt },
    head: toHex(head.head),
    dataKey: dataKeyBody(head.dataKey),
    epochKey: toHex(head.epochKey),
  };
}

/** Undefined where the bytes are no head. Says nothing about who signed it. */
export function parseHead(
  bytes: Uint8Array,
): { readonly head: RecordingHead; readonly document: SignedDocument } | undefined {
  const document = parseDocument(bytes, 'enchilada-recording');
  if (document === undefined) return undefined;
  const recording = textField(document.body, 'recording');
  const description = objectField(document.body, 'description');
  const dataKey = parseDataKey(document.body, 'dataKey');
  const inputKey = parseDataKey(document.body, 'inputKey');
  if (inputKey === undefined && document.body['inputKey'] !== undefined) return undefined;
  const epochKey = fromHex(document.body['epochKey'], 32);
  if (recording === undefined || dataKey === undefined || epochKey === undefined || !isDescription(description))
    return undefined;
  const head = { recording, description, dataKey, epochKey, ...(inputKey === undefined ? {} : { inputKey }) };
  return { head, document };
}

export function parseRecoveredHead(
  bytes: Uint8Array,
): { readonly head: RecoveredHead; readonly document: SignedDocument } | undefined {
  const document = parseDocument(bytes, 'enchilada-recovery');
  if (document === undefined) return undefined;
  const { body } = document;
  const [recording, node] = [textField(body, 'recording'), textField(body, 'node')];
  const [firstSeq, epoch, recoveredAt] = [
    countField(body, 'firstSeq'),
    countField(body, 'epoch'),
    countField(body, 'recoveredAt'),
  ];
  const head = fromHex(body['head'], 32);
  const dataKey = parseDataKey(body, 'dataKey');
  const epochKey = fromHex(body['epochKey'], 32);
  if (recording === undefined || node === undefined || firstSeq === undefined || epoch === undefined) return undefined;
  if (recoveredAt === undefined || head === undefined || dataKey === undefined || epochKey === undefined)
    return undefined;
  return { head: { recording, head, node, firstSeq, epoch, recoveredAt, dataKey, epochKey }, document };
}

function dataKeyBody(key: SealedDataKey): JsonObject {
  return { keyId: key.keyId, wrapped: toHex(key.wrapped), commitment: toHex(key.commitment) };
}

function parseDataKey(body: JsonObject, name: 'dataKey' | 'inputKey'): SealedDataKey | undefined {
  const key = objectField(body, name);
  if (key === undefined) return undefined;
  const keyId = textField(key, 'keyId');
  const wrapped = fromHex(key['wrapped']);
  const commitment = fromHex(key['commitment'], 32);
  return keyId === undefined || wrapped === undefined || commitment === undefined
    ? undefined
    : { keyId, wrapped, commitment };
}

function isDescription(value: JsonObject | undefined): value is JsonObject & RecordingDescription {
  if (value === undefined) return false;
  const texts = ['sessionId', 'protocol', 'surface', 'node', 'softwareVersion'].every(
    (name) => textField(value, name) !== undefined,
  );
  return (
    texts &&
    countField(value, 'startedAt') !== undefined &&
    (value['retainUntil'] === undefined || countField(value, 'retainUntil') !== undefined) &&
    ['user', 'target', 'policy'].every((name) => objectField(value, name) !== undefined)
  );
}
