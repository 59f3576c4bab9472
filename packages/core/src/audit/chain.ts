import { canonicalJson, fromHex, toHex } from '../recording/index.ts';
import type { JsonValue } from '../recording/index.ts';
import type { AuditRecord } from './event.ts';

/** What the first record of a chain names as the one before it. */
export const GENESIS = '0'.repeat(64);

export type Sha256 = (bytes: Uint8Array) => Uint8Array;

const encoder = new TextEncoder();

/** SHA-256 over the previous hash (32 bytes) and the canonical JSON (RFC 8785) of the record without its hashes, as lower-case hex. */
export function chainHash(sha256: Sha256, previous: string, open: Omit<AuditRecord, 'previous' | 'hash'>): string {
  const before = fromHex(previous, 32) ?? new Uint8Array(32);
  const text = encoder.encode(canonicalJson(open as unknown as JsonValue));
  const bytes = new Uint8Array(before.length + text.length);
  bytes.set(before);
  bytes.set(text, before.length);
  return toHex(sha256(bytes));
}

export interface ChainVerdict {
  readonly records: number;
  readonly brokenAt?: number;
  readonly problem?: string;
}

/** Follows one node's chain from its first record; stops at the first break. */
export async function verifyChain(records: AsyncIterable<AuditRecord>, sha256: Sha256): Promise<ChainVerdict> {
  let count = 0;
  let last = GENESIS;
  for await (const record of records) {
    const { previous, hash, ...open } = record;
    const broken = (problem: string): ChainVerdict => ({ records: count, brokenAt: record.sequence, problem });
    if (record.sequence !== count + 1) return broken(`record ${count + 1} is missing`);
    if (previous !== last) return broken('does not link to the record before it');
    if (chainHash(sha256, previous, open) !== hash) return broken('was altered: its hash does not fit its content');
    count += 1;
    last = hash;
  }
  return { records: count };
}
