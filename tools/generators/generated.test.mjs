import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateApi } from './api.mjs';
import { generateConfig } from './config.mjs';
import { generateFaults } from './faults.mjs';

const ROOT = join(import.meta.dirname, '..', '..');

test('what is committed is what the tables of routes, configuration and faults generate', () => {
  for (const [path, text] of [...generateApi(), ...generateConfig(), ...generateFaults()]) {
    assert.ok(readFileSync(join(ROOT, path), 'utf8') === text, `${path} is stale: run npm run generate`);
  }
});
