import { createPublicKey, hash, verify } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { formatFinding, formatReport, parseTrustFile, verifyArchive } from '@enchilada/core/recording';
import type { VerifyCrypto } from '@enchilada/core/recording';
import { escapeJson, escapeText } from '@enchilada/core/text';
import { fileTrouble } from '../frame/file-trouble.ts';
import { openContentCheck } from './content-check.ts';
import { FolderArchive } from './folder-archive.ts';

export interface VerifyIo {
  stdout(text: string): void;
  stderr(text: string): void;
}

/** Not one of the verifier's codes: the command was called wrongly, and nothing was verified. */
const USAGE_EXIT = 2;

export const VERIFY_USAGE = `usage: enchilada verify FOLDER --trust keys.json [--checkpoints FOLDER] [--audit export.jsonl] [--since DATE]
                       [--retention DAYSd] [--decrypt --key-file FILE] [--json]
  FOLDER         one recording, or a folder that holds recordings
  --trust        public recording keys, as exported by the gateway and held by the auditor
  --checkpoints  folder of checkpoints: shows what was shortened or removed since
  --audit        audit export: shows recordings that are missing
  --since        leaves out checkpoints and audit rows before a date, as where retention removed recordings
  --retention    how long your rules ask to keep a recording, as 400d: shows those that promise less in their signed head
  --decrypt      also opens every chunk, with the key file of the key-encryption key
exit: 0 complete, 10 incomplete, 20 content, 21 order, 22 key or signer, 23 shorter than a checkpoint, 24 missing, 25 metadata, 30 kept for too short
      a time, 40 unsupported; 2 where the call was wrong and nothing was verified
`;

const DAY_MS = 86_400_000;
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

const crypto: VerifyCrypto = {
  sha256: (...parts) =>
    hash('sha256', parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts), 'buffer'),
  verifyEd25519: (publicKey, message, signature) => {
    const key = createPublicKey({ key: Buffer.concat([ED25519_SPKI, publicKey]), format: 'der', type: 'spki' });
    return verify(undefined, message, key, signature);
  },
};

/** `enchilada verify`: offline, needs no key that opens a recording. Resolves with the exit code. */
export async function runVerify(args: readonly string[], io: VerifyIo): Promise<number> {
  const call = readCall(args);
  if (typeof call === 'string') {
    if (args.includes('--json')) io.stdout(`${escapeJson({ error: { message: call, exitCode: USAGE_EXIT } })}\n`);
    else io.stderr(`${escapeText(call)}\n${VERIFY_USAGE}`);
    return USAGE_EXIT;
  }
  const { source, trust, content, json, since, retentionMs } = call;
  const print = (value: unknown): void => {
    io.stdout(`${escapeJson(value)}\n`);
  };
  // Names of objects and what their heads say come from whoever could write to the store.
  const say = (lines: string): void => {
    for (const line of lines.split('\n')) io.stdout(`${escapeText(line)}\n`);
  };
  const summary = await verifyArchive(source, {
    ...{ crypto, trust },
    ...(content && { content }),
    ...(source.only !== undefined && { only: source.only }),
    ...(since !== undefined && { since }),
    ...(retentionMs !== undefined && { retentionMs }),
    onReport(report) {
      if (json) print({ type: 'recording', ...report });
      else say(formatReport(report));
    },
  });
  const empty = summary.recordings === 0 && summary.findings.length === 0;
  const code = empty ? 24 : summary.code;
  if (json) {
    print({ type: 'summary', ...summary, code });
    return code;
  }
  for (const finding of summary.findings) say(formatFinding(finding));
  io.stdout(
    empty
      ? 'no recording was found\n'
      : `${summary.recordings} recordings, ${summary.bytes} bytes, ${summary.damaged} damaged: exit ${code}\n`,
  );
  return code;
}

function readCall(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        trust: { type: 'string' },
        checkpoints: { type: 'string' },
        audit: { type: 'string' },
        since: { type: 'string' },
        retention: { type: 'string' },
        decrypt: { type: 'boolean', default: false },
        'key-file': { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const [folder, ...more] = positionals;
    if (folder === undefined || more.length > 0) return 'one folder is expected';
    if (!statSync(folder).isDirectory()) return `${folder} is no folder`;
    if (values.trust === undefined) return '--trust is missing: without trusted keys nothing is proved';
    const trust = parseTrustFile(readFileSync(values.trust));
    if (trust === undefined) return `${values.trust} is no trust file`;
    if (values.decrypt && values['key-file'] === undefined) return '--decrypt needs --key-file';
    for (const path of [values.audit, values.checkpoints]) if (path !== undefined) statSync(path);
    const since = values.since === undefined ? undefined : Date.parse(values.since);
    if (Number.isNaN(since)) return `--since must be a date, received ${String(values.since)}`;
    const days = values.retention === undefined ? undefined : /^(\d{1,5})d$/.exec(values.retention)?.[1];
    if (values.retention !== undefined && days === undefined)
      return `--retention must be a number of days as 400d, received ${values.retention}`;
    const retentionMs = days === undefined ? undefined : Number(days) * DAY_MS;
    const content =
      values.decrypt && values['key-file'] !== undefined ? openContentCheck(values['key-file']) : undefined;
    const source = new FolderArchive({ folder, checkpoints: values.checkpoints, audit: values.audit });
    return { source, trust, content, json: values.json, since, retentionMs };
  } catch (cause) {
    return fileTrouble(cause)?.message ?? (cause instanceof Error ? cause.message : String(cause));
  }
}
