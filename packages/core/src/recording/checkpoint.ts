import { fromHex, toHex } from './bytes.ts';
import { isJsonObject } from './canonical-json.ts';
import type { JsonObject, JsonValue } from './canonical-json.ts';
import type { RecordingId } from './recorder.ts';
import { countField, parseDocument, textField } from './signed-document.ts';
import type { SignedDocument } from './signed-document.ts';

/** How far a recording had come: `seq` 0 and the digest of head.json before the first chunk. */
export interface CheckpointEntry {
  readonly recording: RecordingId;
  readonly seq: number;
  readonly hash: Uint8Array;
  /** Digest of the manifest, for a recording that ended since the checkpoint before. */
  readonly manifest: Uint8Array | undefined;
}

/** Written every 60 s outside the recordings: what was true by then cannot be shortened or left out later without a trace. */
export interface Checkpoint {
  readonly node: string;
  readonly at: number;
  /** Digest of this node's checkpoint before; undefined for its first. */
  readonly previous: Uint8Array | undefined;
  /** Hex head of the audit chain, where the caller gives one. */
  readonly auditHead: string | undefined;
  readonly entries: readonly CheckpointEntry[];
}

export function checkpointBody(checkpoint: Checkpoint): JsonObject {
  const { node, at, auditHead } = checkpoint;
  const entries = checkpoint.entries.map(({ recording, seq, hash, manifest }) => ({
    recording,
    seq,
    hash: toHex(hash),
    manifest: manifest && toHex(manifest),
  }));
  return {
    format: 'enchilada-checkpoint',
    version: 1,
    node,
    at,
    auditHead,
    entries,
    previous: checkpoint.previous && toHex(checkpoint.previous),
  };
}

/** Undefined where the bytes are no checkpoint. Says nothing about who signed it. */
export function parseCheckpoint(
  bytes: Uint8Array,
): { readonly checkpoint: Checkpoint; readonly document: SignedDocument } | undefined {
  const document = parseDocument(bytes, 'enchilada-checkpoint');
  const list = document?.body['entries'];
  if (document === undefined || !Array.isArray(list)) return undefined;
  const { body } = document;
  const [node, at] = [textField(body, 'node'), countField(body, 'at')];
  const previous = body['previous'] === undefined ? undefined : fromHex(body['previous'], 32);
  const entries = (list as readonly JsonValue[]).map(parseEntry);
  if (node === undefined || at === undefined || (body['previous'] !== undefined && previous === undefined))
    return undefined;
  if (!entries.every((entry) => entry !== undefined)) return undefined;
  return { checkpoint: { node, at, previous, auditHead: textField(body, 'auditHead'), entries }, document };
}

function parseEntry(value: JsonValue): CheckpointEntry | undefined {
  if (!isJsonObject(value)) return undefined;
  const [recording, seq, hash] = [textField(value, 'recording'), countField(value, 'seq'), fromHex(value['hash'], 32)];
  const manifest = value['manifest'] === undefined ? undefined : fromHex(value['manifest'], 32);
  if (
    recording === undefined ||
    seq === undefined ||
    hash === undefined ||
    (value['manifest'] !== undefined && manifest === undefined)
  )
    return undefined;
  return { recording, seq, hash, manifest };
}
