import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { keyEncryptionSuite } from '@enchilada/core/testing/key-encryption-suite';
import { openFileKeyEncryption } from './index.ts';

const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

keyEncryptionSuite('file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-kek-'));
  folders.push(folder);
  return {
    open: () => openFileKeyEncryption({ path: join(folder, 'ours'), random }),
    openOther: () => openFileKeyEncryption({ path: join(folder, 'theirs'), random }),
  };
});
