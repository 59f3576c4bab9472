import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileTrouble } from './file-trouble.ts';

function troubleOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return fileTrouble(error)?.message;
  }
  return 'none';
}

test('a file that cannot be used is named in words', () => {
  const folder = mkdtempSync(join(tmpdir(), 'enchilada-trouble-'));
  try {
    const missing = join(folder, 'missing');
    assert.equal(
      troubleOf(() => readFileSync(missing)),
      `there is no ${missing}`,
    );
    assert.match(troubleOf(() => readFileSync(folder)) ?? '', /EISDIR|is a folder/u);
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.equal(fileTrouble(new TypeError('x')), undefined);
});
