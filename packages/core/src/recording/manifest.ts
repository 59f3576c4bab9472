import { fromHex, toHex } from './bytes.ts';
import { canonicalJson, isJsonObject } from './canonical-json.ts';
import type { JsonObject, JsonValue } from './canonical-json.ts';
import type { RecordingDescription, RecordingId } from './recorder.ts';
import { countField, objectField, parseDocument, textField } from './signed-document.ts';
import type { SignedDocument } from './signed-document.ts';

/** COMPLETE: ended and sealed in order. INCOMPLETE: ended by a crash or a recorder failure. GAPPED: complete but for interruptions it names. */
export type RecordingState = 'COMPLETE' | 'INCOMPLETE' | 'GAPPED';

export interface ManifestChunk {
  readonly hash: Uint8Array;
  readonly fromUs: number;
  readonly toUs: number;
  readonly bytes: number;
}

/** The signed end of a recording. `chunks[0]` is chunk 1. */
export interface Manifest {
  readonly recording: RecordingId;
  /** Digest of head.json. */
  readonly head: Uint8Array;
  readonly description: RecordingDescription;
  readonly state: RecordingState;
  /** Why it ended: `closed`, `crash`, … */
  readonly reason: string;
  readonly durationUs: number;
  /** Undefined after a crash: the node that finalises cannot look into chunks. */
  readonly events: number | undefined;
  readonly outputBytes: number | undefined;
  readonly chunks: readonly ManifestChunk[];
  readonly merkleRoot: Uint8Array;
  /** Public keys by epoch. */
  readonly epochKeys: readonly { readonly epoch: number; readonly key: Uint8Array }[];
}

/** What a crash may cost: the process's death nothing that was shown, the machine's loss of power the time between two fdatasync. */
const DURABILITY = { processCrashLossBytes: 0, powerLossMs: 50 };

export function manifestBody(manifest: Manifest): JsonObject {
  const { recording, state, reason, durationUs, events, outputBytes } = manifest;
  return {
    format: 'enchilada-manifest',
    version: 1,
    ...{ recording, state, reason, durationUs, events, outputBytes },
    head: toHex(manifest.head),
    description: manifest.description as unknown as JsonObject,
    durability: DURABILITY,
    chunks: manifest.chunks.map((chunk, index) => ({ ...chunk, seq: index + 1, hash: toHex(chunk.hash) })),
    merkleRoot: toHex(manifest.merkleRoot),
    epochKeys: manifest.epochKeys.map(({ epoch, key }) => ({ epoch, key: toHex(key) })),
  };
}

/** Undefined where the bytes are no manifest. Says nothing about who signed it. */
export function parseManifest(
  bytes: Uint8Array,
): { readonly manifest: Manifest; readonly document: SignedDocument; readonly epochSignature: Uint8Array } | undefined {
  const document = parseDocument(bytes, 'enchilada-manifest');
  if (document === undefined) return undefined;
  const { body } = document;
  const [recording, reason, state] = [
    textField(body, 'recording'),
    textField(body, 'reason'),
    textField(body, 'state'),
  ];
  const [durationUs, events, outputBytes] = [
    countField(body, 'durationUs'),
    countField(body, 'events'),
    countField(body, 'outputBytes'),
  ];
  const [head, merkleRoot, epochSignature] = [
    fromHex(body['head'], 32),
    fromHex(body['merkleRoot'], 32),
    fromHex(document.signatures['epoch'], 64),
  ];
  const description = objectField(body, 'description');
  const chunks = listOf(body['chunks'], parseManifestChunk);
  const epochKeys = listOf(body['epochKeys'], parseEpochKey);
  if (recording === undefined || reason === undefined || !isState(state) || description === undefined) return undefined;
  if (durationUs === undefined || head === undefined) return undefined;
  if (merkleRoot === undefined || epochSignature === undefined || chunks === undefined || epochKeys === undefined)
    return undefined;
  const manifest = {
    ...{ recording, head, state, reason, durationUs, events, outputBytes, chunks, merkleRoot, epochKeys },
    description: description as unknown as RecordingDescription,
  };
  return { manifest, document, epochSignature };
}

export function sameDescription(a: RecordingDescription, b: RecordingDescription): boolean {
  return canonicalJson(a as unknown as JsonObject) === canonicalJson(b as unknown as JsonObject);
}

function isState(value: string | undefined): value is RecordingState {
  return value === 'COMPLETE' || value === 'INCOMPLETE' || value === 'GAPPED';
}

function listOf<T>(
  value: JsonValue | undefined,
  parse: (entry: JsonObject, index: number) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const out: T[] = [];
  for (const [index, entry] of (value as readonly JsonValue[]).entries()) {
    const parsed = isJsonObject(entry) ? parse(entry, index) : undefined;
    if (parsed === undefined) return undefined;
    out.push(parsed);
  }
  return out;
}

function parseManifestChunk(entry: JsonObject, index: number): ManifestChunk | undefined {
  const hash = fromHex(entry['hash'], 32);
  const [fromUs, toUs, bytes] = [countField(entry, 'fromUs'), countField(entry, 'toUs'), countField(entry, 'bytes')];
  if (
    entry['seq'] !== index + 1 ||
    hash === undefined ||
    fromUs === undefined ||
    toUs === undefined ||
    bytes === undefined
  )
    return undefined;
  return { hash, fromUs, toUs, bytes };
}

function parseEpochKey(entry: JsonObject): { epoch: number; key: Uint8Array } | undefined {
  const epoch = countField(entry, 'epoch');
  const key = fromHex(entry['key'], 32);
  return epoch === undefined || key === undefined ? undefined : { epoch, key };
}
