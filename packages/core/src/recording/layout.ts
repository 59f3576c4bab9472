import type { RecordingId } from './recorder.ts';

/**
 * ```text
 * rec/v1/<yyyy>/<mm>/<dd>/<sid>/head.json                 at session start
 *                              /00000001.brc …            sealed chunks
 *                              /recovered-00000003.json   keys of what a restart sealed, numbered by its epoch
 *                              /manifest.json             at the end, or manifest.recovered-<epoch>.json
 * chk/v1/<yyyy>/<mm>/<dd>/<hhmmss>-<node>.json            checkpoint every 60 s
 * ```
 * Dates are UTC. INVARIANT: a name is written once and never again.
 */
export const RECORDINGS_ROOT = 'rec/v1';
const CHECKPOINTS_ROOT = 'chk/v1';
export const HEAD_NAME = 'head.json';
export const MANIFEST_NAME = 'manifest.json';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

export function isRecordingId(text: string): text is RecordingId {
  // 26 characters carry 130 bits: the last has only its three upper bits.
  return /^[a-z2-7]{25}[aeimquy4]$/.test(text);
}

export function recordingPrefix(id: RecordingId, startedAt: number): string {
  return `${RECORDINGS_ROOT}/${dayPath(startedAt)}/${id}`;
}

export function checkpointName(node: string, at: number): string {
  return `${CHECKPOINTS_ROOT}/${dayPath(at)}/${new Date(at).toISOString().slice(11, 19).replaceAll(':', '')}-${node.replace(/[^A-Za-z0-9-]/g, '_')}.json`;
}

export function dayPath(at: number): string {
  return new Date(at).toISOString().slice(0, 10).replaceAll('-', '/');
}

export function chunkName(seq: number): string {
  return `${pad(seq)}.brc`;
}

export function recoveredHeadName(epoch: number): string {
  return `recovered-${pad(epoch)}.json`;
}

export function recoveredManifestName(epoch: number): string {
  return `manifest.recovered-${pad(epoch)}.json`;
}

export type RecordingObject =
  | { readonly kind: 'head' | 'manifest' }
  | { readonly kind: 'chunk'; readonly seq: number }
  | { readonly kind: 'recovered-head' | 'recovered-manifest'; readonly epoch: number };

/** What a name inside a recording's folder stands for; undefined for a name that no recorder writes. */
export function parseObjectName(name: string): RecordingObject | undefined {
  if (name === HEAD_NAME) return { kind: 'head' };
  if (name === MANIFEST_NAME) return { kind: 'manifest' };
  const match = /^(recovered-|manifest\.recovered-|)(\d{8})\.(brc|json)$/.exec(name);
  const number = Number(match?.[2]);
  if (match === null || number < 1) return undefined;
  if (match[1] === '') return match[3] === 'brc' ? { kind: 'chunk', seq: number } : undefined;
  if (match[3] !== 'json') return undefined;
  return { kind: match[1] === 'recovered-' ? 'recovered-head' : 'recovered-manifest', epoch: number };
}

/** The 128 bits of an id, as a chunk's header holds them. */
export function recordingIdBytes(id: RecordingId): Uint8Array<ArrayBuffer> {
  if (!isRecordingId(id))
    throw new RangeError(`a recording id is 26 characters of a-z and 2-7, received ${JSON.stringify(id)}`);
  const out = new Uint8Array(16);
  let bits = 0;
  let value = 0;
  let at = 0;
  for (const character of id) {
    value = ((value << 5) | ALPHABET.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits >= 8 && at < 16) {
      bits -= 8;
      out[at++] = (value >>> bits) & 0xff;
    }
  }
  return out;
}

function pad(number: number): string {
  return String(number).padStart(8, '0');
}
