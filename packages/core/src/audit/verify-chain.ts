import { canonicalJson, concatBytes, fromHex, toHex, utf8, type JsonObject } from '../recording/index.ts';
import type { AuditRecord } from './event.ts';

export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** What `previous` holds in the first record of a chain. */
export const CHAIN_START = '0'.repeat(64);

/** Lower-case hex SHA-256 over `previous` as 32 bytes and the RFC 8785 form of the rest. */
export function chainHash(record: Omit<AuditRecord, 'hash'>, sha256: Sha256): string {
  const { previous, ...rest } = record;
  const before = fromHex(previous, 32);
  if (before === undefined) throw new RangeError(`previous must be 64 lower-case hex digits, received ${previous}`);
  return toHex(sha256(concatBytes(before, utf8(canonicalJson(rest as unknown as JsonObject)))));
}

/** `sequence`: a record is missing, doubled or out of place. `previous`: the link is broken. `hash`: the record was altered. */
export type ChainProblem = 'node' | 'sequence' | 'previous' | 'hash';

type Head = Pick<AuditRecord, 'sequence' | 'hash'>;

export interface ChainReport {
  readonly node: string;
  readonly records: number;
  /** Of the last record that holds. */
  readonly head: Head;
  /** The first record that does not hold; verification ends there. */
  readonly broken?: { readonly sequence: number; readonly problem: ChainProblem };
}

export interface ChainExpectation {
  readonly node: string;
  /** A head kept elsewhere (in a checkpoint): the chain must go on from it. Absent, it must begin at sequence 1. */
  readonly after?: Head;
}

/** Checks one node's records in order. A chain that was cut at its end verifies: compare `head` with one that is kept elsewhere. */
export async function verifyChain(
  records: AsyncIterable<AuditRecord> | Iterable<AuditRecord>,
  expected: ChainExpectation,
  sha256: Sha256,
): Promise<ChainReport> {
  const { node } = expected;
  let head = expected.after ?? { sequence: 0, hash: CHAIN_START };
  let count = 0;
  for await (const record of records) {
    const problem = record.node === node ? problemOf(record, head, sha256) : 'node';
    if (problem !== undefined) return { node, records: count, head, broken: { sequence: head.sequence + 1, problem } };
    head = { sequence: record.sequence, hash: record.hash };
    count++;
  }
  return { node, records: count, head };
}

function problemOf({ hash, ...record }: AuditRecord, head: Head, sha256: Sha256): ChainProblem | undefined {
  if (record.sequence !== head.sequence + 1) return 'sequence';
  if (record.previous !== head.hash) return 'previous';
  return chainHash(record, sha256) === hash ? undefined : 'hash';
}
