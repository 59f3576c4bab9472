import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';

it('has a contract test in the folder of every database', async () => {
  const root = join(import.meta.dirname, '..');
  const entries = await readdir(root, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== 'shared').map((entry) => entry.name);
  assert.ok(folders.length >= 3);
  for (const folder of folders)
    assert.ok(
      (await readdir(join(root, folder))).includes(`${folder}.contract.test.ts`),
      `store/${folder} has no contract test`,
    );
});
