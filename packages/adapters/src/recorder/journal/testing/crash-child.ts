// A recorder in a process of its own, to be killed. Prints a line for every event that was accepted, in the order of acceptance.
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { openFileKeyEncryption } from '@enchilada/adapters/key-encryption/file';
import { openFilesystemRecordingStore } from '@enchilada/adapters/recording-store/filesystem';
import { systemClock } from '@enchilada/core/testing/authorized';
import { exampleDescription } from '@enchilada/core/testing/recorder-parts';
import { openJournalRecorder, openRecordingKeyFile } from '../index.ts';

const [directory = '', sessions = '1', bytes = '1000'] = process.argv.slice(2);
const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
const recorder = await openJournalRecorder({
  directory: join(directory, 'journal'),
  store: await openFilesystemRecordingStore({ directory: join(directory, 'store') }),
  keys: await openFileKeyEncryption({ path: join(directory, 'kek'), random }),
  signer: await openRecordingKeyFile({ path: join(directory, 'recording-key') }),
  ...{ clock: systemClock, random, node: 'node-1' },
});
const live = await Promise.all(Array.from({ length: Number(sessions) }, () => recorder.open(exampleDescription())));
for (let number = 0; ; number++) {
  for (const session of live) {
    const text = `${session.id} ${number} `.padEnd(1 + ((number * 7919) % Number(bytes)), 'x') + '\n';
    void session.append({ kind: 'output', bytes: Buffer.from(text) }).then(() => {
      // Synchronous: what this process says was shown, it says before anything else can happen to it.
      writeSync(1, `${session.id} ${number} ${text.length}\n`);
    });
  }
  await turn();
}
