import { recordingStoreSuite } from '@enchilada/core/testing/recording-store-suite';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { openFilesystemRecordingStore } from './index.ts';

recordingStoreSuite('filesystem', async () =>
  openFilesystemRecordingStore({ directory: temporaryFolder('recordings') }),
);
