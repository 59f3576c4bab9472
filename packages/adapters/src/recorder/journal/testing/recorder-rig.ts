import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyEncryption } from '@enchilada/core/credential';
import { openFileKeyEncryption } from '@enchilada/adapters/key-encryption/file';
import { openFilesystemRecordingStore } from '@enchilada/adapters/recording-store/filesystem';
import { trustStoreOf } from '@enchilada/core/recording';
import type { Recorder, RecordingReader, RecordingStore, TrustStore } from '@enchilada/core/recording';
import { systemClock } from '@enchilada/core/testing/authorized';
import { openJournalRecorder, openRecordingKeyFile, openRecordingReader } from '../index.ts';
import type { JournalRecorderOptions } from '../index.ts';

/** A recorder on real files, for the tests of this folder. */
export interface RecorderRig extends AsyncDisposable {
  readonly directory: string;
  readonly recorder: Recorder;
  readonly reader: RecordingReader;
  readonly store: RecordingStore;
  readonly keys: KeyEncryption;
  readonly trust: TrustStore;
  readonly reports: string[];
}

export async function openRig(changes: Partial<JournalRecorderOptions> = {}): Promise<RecorderRig> {
  const directory = changes.directory ?? (await mkdtemp(join(tmpdir(), 'recorder-')));
  const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
  const store = await openFilesystemRecordingStore({ directory: join(directory, 'store') });
  const keys = await openFileKeyEncryption({ path: join(directory, 'kek'), random });
  const signer = await openRecordingKeyFile({ path: join(directory, 'recording-key') });
  const reports: string[] = [];
  const report = (what: string): void => void reports.push(what);
  const parts = { store, keys, signer, clock: systemClock, random, node: 'node-1', report, minFreeBytes: 0 };
  const recorder = await openJournalRecorder({ ...parts, ...changes, directory: join(directory, 'journal') });
  const trust = trustStoreOf([signer]);
  return {
    ...{ directory, recorder, store, keys, trust, reports },
    reader: openRecordingReader({ store, keys, trust }),
    async [Symbol.asyncDispose]() {
      await recorder[Symbol.asyncDispose]();
      if (changes.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

export async function outputOf(reader: RecordingReader, id: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const { event } of reader.events(id)) if (event.kind === 'output') parts.push(event.bytes);
  return Buffer.concat(parts);
}
