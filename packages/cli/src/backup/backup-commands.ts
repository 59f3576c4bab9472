import { rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { command, type CommandContext, done } from '../frame/command.ts';
import { CommandFailure, usage } from '../frame/exit-code.ts';
import { count, when } from '../frame/table.ts';
import { asGateway } from '../control/as-owner.ts';
import { askGateway, leaveNote, requireFolder } from '../control/ask-gateway.ts';
import { runningGateway } from '../control/gateway-process.ts';
import { isInside } from './backup-manifest.ts';
import { backUp, type LiveCopy } from './backup.ts';
import { restore } from './restore.ts';

const COPY_WAIT_MS = 600_000;
const DATA_DIR = { type: 'string', value: 'FOLDER', says: "the gateway's data folder" } as const;

function required(value: string | undefined, option: string): string {
  if (value === undefined) throw usage(`--${option} is missing`);
  return value;
}

function liveCopyOf(answer: Readonly<Record<string, unknown>>): LiveCopy {
  const { replace, leave } = answer;
  const isReplace = (value: unknown): value is Record<string, string> =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value)
      .flat()
      .every((path) => typeof path === 'string' && isInside(path));
  if (!isReplace(replace) || !Array.isArray(leave) || !leave.every((path) => typeof path === 'string'))
    throw new CommandFailure(1, 'the answer of the gateway names no copy of its database');
  return { replace, leave };
}

async function runBackup({ io, options, note }: CommandContext<typeof BACKUP_OPTIONS>) {
  const dataDir = required(options['data-dir'], 'data-dir');
  const to = required(options.to, 'to');
  await requireFolder(dataDir);
  const keys = options['include-keys'] === true ? 'included' : 'left-out';
  const isRunning = (await asGateway(dataDir, () => runningGateway(dataDir))) !== undefined;
  const answer = isRunning
    ? await askGateway({ kind: 'copy-database', keys }, { dataDir, now: io.now, waitMs: COPY_WAIT_MS, env: io.env })
    : undefined;
  const live = answer === undefined ? undefined : liveCopyOf(answer);
  try {
    const { manifest, bytes, skipped } = await backUp({ dataDir, to, keys, live, now: io.now() });
    if (!isRunning)
      await leaveNote(dataDir, {
        action: 'backup.created',
        at: manifest.createdAt,
        detail: { files: manifest.files.length, keys },
      });
    if (answer?.['external'] === true)
      note('the database is a server of its own and is NOT in this backup: copy it now, as docs/operating.md says');
    for (const path of skipped) note(`${path} is no regular file and was left out`);
    const keyLines =
      keys === 'included'
        ? [
            'It holds the keys: whoever has this file can read every credential and recording in it. Keep it as you keep the keys.',
          ]
        : [
            `Left out: ${manifest.missingKeys.join(', ') || 'no key files were found'}. Without the key-encryption key no credential and no recording in this backup can be opened: back it up separately.`,
          ];
    return done(
      { file: to, bytes, ...manifest },
      `Wrote ${to}: ${count(manifest.files.length, 'file')}, ${count(bytes, 'byte')}, gateway ${manifest.gateway}.`,
      ...keyLines,
    );
  } finally {
    await asGateway(dataDir, async () => {
      for (const copy of Object.values(live?.replace ?? {})) await rm(join(dataDir, copy), { force: true });
    });
  }
}

const BACKUP_OPTIONS = {
  'data-dir': DATA_DIR,
  to: { type: 'string', value: 'FILE', says: 'the archive to write; must not exist' },
  'include-keys': { type: 'boolean', says: 'also the key files; the archive then opens everything in it' },
} as const;

export const backupCommands = [
  command('backup', {
    summary: 'Copy a data folder into one archive: database, recordings, journal; keys only on request.',
    options: BACKUP_OPTIONS,
    details: [
      'With the gateway stopped, all files are copied as they are. With it running, it makes a consistent copy of its embedded database first; sessions that are still open are then not in the backup.',
      'An external database, recordings kept outside the data folder and the configuration file are backed up by their own tools.',
      'The key-encryption key opens every sealed credential and recording. A backup without it is useless alone and safe to store; with it (--include-keys) it is complete and as secret as the key.',
    ],
    run: runBackup,
  }),
  command('restore', {
    summary: 'Unpack a backup into a new data folder, after comparing every file with its manifest.',
    options: {
      from: { type: 'string', value: 'FILE', says: 'the archive' },
      'data-dir': { ...DATA_DIR, says: 'the folder to make; must be absent or empty' },
      'keys-from': {
        type: 'string',
        value: 'FOLDER',
        says: 'take the key files that the backup left out from this folder',
      },
    },
    details: [
      'The exit code is 5 where key files are still missing: put them back with mode 0600 before the gateway starts, or it makes new ones, which open nothing.',
    ],
    async run({ io, options }) {
      const dataDir = resolve(required(options['data-dir'], 'data-dir'));
      const { manifest, missingKeys } = await restore({
        from: required(options.from, 'from'),
        dataDir,
        keysFrom: options['keys-from'],
      });
      await leaveNote(dataDir, {
        action: 'backup.restored',
        at: io.now(),
        detail: { backupCreatedAt: manifest.createdAt, files: manifest.files.length },
      });
      const lines = [
        `Restored ${count(manifest.files.length, 'file')} of the backup of ${when(manifest.createdAt)} to ${dataDir}.`,
      ];
      if (process.geteuid?.() === 0 && (await stat(dataDir)).uid === 0)
        lines.push(
          `It belongs to root. Give it to the account of the gateway, if that is another: chown -R ACCOUNT ${dataDir}`,
        );
      if (missingKeys.length > 0)
        lines.push(
          'Still missing, to be put back with mode 0600 before the gateway starts:',
          ...missingKeys.map((path) => `  ${path}`),
        );
      return {
        value: { dataDir, files: manifest.files.length, createdAt: manifest.createdAt, missingKeys },
        lines,
        exitCode: missingKeys.length > 0 ? 5 : 0,
      };
    },
  }),
];
