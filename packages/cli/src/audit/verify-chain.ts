import { type AuditRecord, CHAIN_START, chainHash } from '@enchilada/core/audit';
import { fromHex, type JsonObject } from '@enchilada/core/recording';
import { createHash } from 'node:crypto';

export interface ChainFinding {
  /** The line of the export, from 1. */
  readonly line: number;
  readonly message: string;
}

export interface ChainState {
  readonly node: string;
  readonly records: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly lastHash: string;
  readonly findings: readonly ChainFinding[];
}

export interface AuditReport {
  readonly intact: boolean;
  readonly chains: readonly ChainState[];
  /** Lines that belong to no chain. */
  readonly findings: readonly ChainFinding[];
}

const MOST_FINDINGS = 100;

interface Chain {
  records: number;
  firstSequence: number;
  lastSequence: number;
  lastHash: string;
  readonly findings: ChainFinding[];
}

function parseLine(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

function hashOf({ hash: _, ...rest }: JsonObject): string | undefined {
  return fromHex(rest['previous'], 32) === undefined
    ? undefined
    : chainHash(rest as unknown as Omit<AuditRecord, 'hash'>, sha256);
}

/**
 * Recomputes the chains of an exported audit log, one line a record, without the server. A complete export begins each chain at sequence 1;
 * one cut at a time begins later, and then proves only what is in it.
 */
export async function verifyAuditLines(lines: AsyncIterable<string>): Promise<AuditReport> {
  const chains = new Map<string, Chain>();
  const stray: ChainFinding[] = [];
  let line = 0;
  for await (const text of lines) {
    line++;
    if (text === '') continue;
    const record = parseLine(text);
    const { node, sequence, hash, previous } = record ?? {};
    if (record === undefined || typeof node !== 'string' || typeof sequence !== 'number' || typeof hash !== 'string') {
      if (stray.length < MOST_FINDINGS) stray.push({ line, message: 'is no audit record' });
      continue;
    }
    const chain = chains.get(node);
    const findings = chain?.findings ?? [];
    const find = (message: string): void => {
      if (findings.length < MOST_FINDINGS) findings.push({ line, message: `record ${sequence} of ${node} ${message}` });
    };
    if (hashOf(record) !== hash) find('was altered: its hash does not fit its content');
    if (chain === undefined) {
      if (sequence === 1 && previous !== CHAIN_START) find('is the first one and names one before it');
      chains.set(node, { records: 1, firstSequence: sequence, lastSequence: sequence, lastHash: hash, findings });
      continue;
    }
    if (sequence <= chain.lastSequence) find(`stands behind record ${chain.lastSequence}: reordered or repeated`);
    else if (sequence !== chain.lastSequence + 1)
      find(`follows record ${chain.lastSequence}: ${sequence - chain.lastSequence - 1} are missing`);
    else if (previous !== chain.lastHash) find('does not link to the record before it');
    chain.records++;
    chain.lastSequence = Math.max(sequence, chain.lastSequence);
    chain.lastHash = hash;
  }
  const states = [...chains].map(([node, chain]) => ({ node, ...chain }));
  return {
    intact: line > 0 && stray.length === 0 && states.every(({ findings }) => findings.length === 0),
    chains: states,
    findings: stray,
  };
}
