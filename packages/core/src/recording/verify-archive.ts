import { concatBytes, fromHex, sameBytes, toHex, utf8 } from './bytes.ts';
import { canonicalJson, isJsonObject } from './canonical-json.ts';
import type { JsonObject, JsonValue } from './canonical-json.ts';
import { parseCheckpoint } from './checkpoint.ts';
import type { CheckpointEntry } from './checkpoint.ts';
import { parseObjectName } from './layout.ts';
import type { RecordingId } from './recorder.ts';
import { clusterSignature, countField, objectField, signedBytes, textField } from './signed-document.ts';
import { verifyRecording } from './verify-recording.ts';
import type { RecordingSource, VerifyOptions } from './verify-documents.ts';
import { timeText, worstCode } from './verify-report.ts';
import type { ArchiveReport, VerifyFinding, VerifyReport } from './verify-report.ts';

/** Everything that an auditor holds. What is left out (`undefined`) is not compared. */
export interface ArchiveSource {
  recordings(): AsyncIterable<RecordingSource>;
  /** By name. */
  checkpoints: (() => AsyncIterable<{ readonly name: string; readonly bytes: Uint8Array }>) | undefined;
  /** The lines of an audit export: one record each, as JSON. */
  audit: (() => AsyncIterable<string>) | undefined;
}

export interface ArchiveOptions extends Pick<VerifyOptions, 'crypto' | 'trust' | 'content' | 'retentionMs'> {
  /** Only this recording is present; nothing is said of others. */
  readonly only?: RecordingId;
  /** Milliseconds since the epoch: rows and checkpoints before are not compared, since retention may have removed what they name. */
  readonly since?: number;
  onReport(report: VerifyReport): void;
}

interface Audited {
  opened: boolean;
  /** The session did not come to life; its recording may never have begun. */
  failed: boolean;
  ended: boolean;
  retired: boolean;
  /** Milliseconds since the epoch, where the row says when. */
  retiredAt: number | undefined;
  hash: string | undefined;
  retainUntil: number | undefined;
}

/** Verifies all recordings, and compares them as sets with checkpoints and audit log. Memory grows with the number of recordings, not their size. */
export async function verifyArchive(source: ArchiveSource, options: ArchiveOptions): Promise<ArchiveReport> {
  const findings: VerifyFinding[] = [];
  const checkpoints =
    source.checkpoints === undefined
      ? new Map<RecordingId, CheckpointEntry>()
      : await readCheckpoints(source.checkpoints(), { ...options, findings });
  const audited =
    source.audit === undefined
      ? new Map<RecordingId, Audited>()
      : await readAudit(source.audit(), { ...options, findings });
  const seen = new Set<RecordingId>();
  const codes: VerifyReport['code'][] = [];
  let [damaged, bytes] = [0, 0];
  for await (const recording of source.recordings()) {
    seen.add(recording.id);
    const entry = checkpoints.get(recording.id);
    const row = audited.get(recording.id);
    const verified = await verifyRecording(recording, {
      ...options,
      ...(entry && { checkpoints: [entry] }),
      ...(row?.hash !== undefined && { auditHash: row.hash }),
      ...(row?.retainUntil !== undefined && { retainUntil: row.retainUntil }),
    });
    const report = withSetFindings(verified, { recording, row });
    options.onReport(report);
    codes.push(report.code);
    bytes += report.bytes;
    if (report.code !== 0 && report.code !== 10) damaged++;
  }
  for (const [id, row] of audited) {
    const { retiredAt, retainUntil } = row;
    if ((options.only ?? id) === id && retiredAt !== undefined && retainUntil !== undefined && retiredAt < retainUntil)
      findings.push({
        code: 30,
        object: id,
        message: `was removed on ${timeText(retiredAt)}, promised to be kept until ${timeText(retainUntil)}`,
      });
    const isMissed = row.opened && !row.retired && !(row.failed && !row.ended);
    if (isMissed && !seen.has(id) && (options.only ?? id) === id)
      findings.push({ code: 24, object: id, message: 'is in the audit log and not in the store' });
  }
  for (const [id, entry] of checkpoints) {
    const excused = audited.get(id)?.retired === true || audited.get(id)?.opened === true;
    if (!excused && !seen.has(id) && (options.only ?? id) === id)
      findings.push({
        code: 23,
        object: id,
        message: `a checkpoint saw chunk ${entry.seq}, the recording is not in the store`,
      });
  }
  return {
    code: worstCode([...codes, ...findings.map((finding) => finding.code)]),
    findings,
    recordings: seen.size,
    damaged,
    bytes,
  };
}

function withSetFindings(
  report: VerifyReport,
  context: { recording: RecordingSource; row: Audited | undefined },
): VerifyReport {
  const { recording, row } = context;
  const hasManifest = recording.objects.some(({ name }) =>
    ['manifest', 'recovered-manifest'].includes(parseObjectName(name)?.kind ?? ''),
  );
  const findings: VerifyFinding[] = [];
  if (row?.ended === true && !hasManifest)
    findings.push({ code: 24, message: 'the audit log says the session ended, and there is no manifest' });
  if (findings.length === 0) return report;
  return { ...report, findings: [...report.findings, ...findings], code: worstCode([report.code, 24]) };
}

type Context = ArchiveOptions & { readonly findings: VerifyFinding[] };

/** The furthest state that a checkpoint whose signature holds has seen of each recording. Each node's checkpoints are a chain. */
async function readCheckpoints(
  list: AsyncIterable<{ name: string; bytes: Uint8Array }>,
  context: Context,
): Promise<Map<RecordingId, CheckpointEntry>> {
  const { crypto, trust, findings, since = 0 } = context;
  const furthest = new Map<RecordingId, CheckpointEntry>();
  const heads = new Map<string, Uint8Array>();
  for await (const { name, bytes } of list) {
    const parsed = parseCheckpoint(bytes);
    const signature = parsed && clusterSignature(parsed.document);
    const key = signature && trust.get(signature.keyId);
    if (parsed === undefined || signature === undefined) {
      findings.push({ code: 25, object: name, message: 'is no canonical checkpoint of version 1' });
      continue;
    }
    if (key === undefined) {
      findings.push({
        code: 22,
        object: name,
        message: `is signed by ${signature.keyId}, which the trust file does not know`,
      });
      continue;
    }
    if (!crypto.verifyEd25519(key.publicKey, signedBytes(parsed.document.body), signature.signature)) {
      findings.push({
        code: 25,
        object: name,
        message: `was altered: the signature of ${signature.keyId} does not hold`,
      });
      heads.delete(parsed.checkpoint.node);
      continue;
    }
    const { node, at, previous, entries } = parsed.checkpoint;
    const before = heads.get(node);
    if (before !== undefined && (previous === undefined || !sameBytes(before, previous))) {
      findings.push({ code: 21, object: name, message: `does not follow the checkpoint of ${node} before it` });
    }
    heads.set(node, crypto.sha256(bytes));
    if (at < since) continue;
    for (const entry of entries) {
      const known = furthest.get(entry.recording);
      if (known === undefined || entry.seq > known.seq) furthest.set(entry.recording, entry);
    }
  }
  return furthest;
}

async function readAudit(lines: AsyncIterable<string>, context: Context): Promise<Map<RecordingId, Audited>> {
  const { findings, since = 0 } = context;
  const audited = new Map<RecordingId, Audited>();
  const chains = new Map<string, { sequence: number; hash: string }>();
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.trim() === '') continue;
    const row = parseRow(line);
    if (row === undefined) {
      findings.push({ code: 25, object: `audit line ${number}`, message: 'is no JSON object' });
      continue;
    }
    const problem = chainProblem(row, { chains, sha256: context.crypto.sha256 });
    if (problem !== undefined) findings.push({ ...problem, object: `audit line ${number}` });
    const id = textField(row, 'recordingId') ?? textField(objectField(row, 'detail') ?? {}, 'recordingId');
    if (id === undefined || (countField(row, 'at') ?? since) < since) continue;
    const entry = audited.get(id) ?? newlyAudited();
    audited.set(id, entry);
    if (row['action'] === 'session.opened') {
      entry.opened = true;
      entry.hash = textField(row, 'hash');
      entry.retainUntil = countField(objectField(row, 'detail') ?? {}, 'retainUntil');
    }
    if (row['action'] === 'session.failed') entry.failed = true;
    // A recording whose node was lost has no manifest before the node is back.
    if (row['action'] === 'session.ended' && row['reason'] !== 'node-lost') entry.ended = true;
    if (row['action'] === 'recording.retired') {
      entry.retired = true;
      entry.retiredAt = countField(row, 'at');
    }
  }
  return audited;
}

function newlyAudited(): Audited {
  const row = { opened: false, failed: false, ended: false, retired: false };
  return { ...row, retiredAt: undefined, hash: undefined, retainUntil: undefined };
}

function parseRow(line: string): JsonObject | undefined {
  try {
    const value = JSON.parse(line) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Rows that carry their hash are checked as the audit log chains them: SHA-256(previous ‖ canonical JSON of the rest). */
function chainProblem(
  row: JsonObject,
  context: { chains: Map<string, { sequence: number; hash: string }>; sha256: VerifyOptions['crypto']['sha256'] },
): Pick<VerifyFinding, 'code' | 'message'> | undefined {
  const { hash, previous, ...rest } = row;
  const [node, sequence] = [textField(row, 'node'), countField(row, 'sequence')];
  if (hash === undefined || node === undefined || sequence === undefined) return undefined;
  const previousBytes = fromHex(previous, 32);
  if (typeof hash !== 'string' || previousBytes === undefined) return { code: 25, message: 'has no well-formed hash' };
  const before = context.chains.get(node);
  context.chains.set(node, { sequence, hash });
  if (toHex(context.sha256(concatBytes(previousBytes, utf8(canonicalJson(rest))))) !== hash)
    return { code: 25, message: `row ${sequence} of ${node} was altered` };
  // An export may begin anywhere and be filtered: only neighbours are compared.
  if (before?.sequence === sequence - 1 && before.hash !== previous)
    return { code: 25, message: `row ${sequence} of ${node} does not follow row ${before.sequence}` };
  return undefined;
}
