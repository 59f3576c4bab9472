import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordingStoreSuite } from '@enchilada/core/testing/recording-store-suite';
import { openFilesystemRecordingStore } from './index.ts';

recordingStoreSuite('filesystem', async () =>
  openFilesystemRecordingStore({ directory: await mkdtemp(join(tmpdir(), 'recordings-')) }),
);
