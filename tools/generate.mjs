// Writes what is generated from the sources; `--check` compares instead.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generateApi } from './generators/api.mjs';
import { generateConfig } from './generators/config.mjs';
import { generateFaults } from './generators/faults.mjs';

const ROOT = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');
const files = new Map([...(await generateApi()), ...(await generateConfig()), ...(await generateFaults())]);
let stale = 0;
for (const [path, text] of files) {
  const file = join(ROOT, path);
  let there;
  try {
    there = readFileSync(file, 'utf8');
  } catch {
    there = undefined;
  }
  if (there === text) continue;
  stale += 1;
  if (check) {
    console.error(`${path} is not what the sources say: npm run generate`);
    continue;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`wrote ${path}`);
}
console.log(`${files.size} generated files, ${stale} ${check ? 'stale' : 'written'}`);
process.exitCode = check && stale > 0 ? 1 : 0;
