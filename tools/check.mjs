// npm run check: everything that can be said about the sources without running them. All steps run, even if one fails.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';

const node = process.execPath;
const lint = (...folders) => [
  '--max-old-space-size=4096',
  'node_modules/eslint/bin/eslint.js',
  '--max-warnings=0',
  ...folders,
];
const packages = readdirSync('packages').map((name) => `packages/${name}`);
const typed = Promise.withResolvers();
/** Two rows side by side, each in its order; lint reads what types leaves behind. */
const ROWS = [
  [
    { name: 'types', args: ['node_modules/typescript/bin/tsc', '-b'], settles: typed },
    { name: 'lint of the packages', args: lint(...packages.filter((folder) => folder !== 'packages/web')) },
  ],
  [
    { name: 'codecs', args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.pure.json'] },
    { name: 'layers', args: ['tools/check-layers.mjs'] },
    { name: 'locality', args: ['tools/check-locality.mjs'] },
    {
      name: 'format',
      args: [
        'node_modules/prettier/bin/prettier.cjs',
        '--check',
        '--log-level',
        'warn',
        'packages',
        'e2e',
        'tools',
        'scripts',
      ],
    },
    { name: 'generated', args: ['--conditions=source', 'tools/generate.mjs', '--check'] },
    { name: 'canaries', args: ['tools/prove-checks.mjs'] },
    { name: 'lint of the web and of e2e', args: lint('packages/web', 'e2e'), waitsFor: typed },
  ],
];

const failed = [];

/** @returns the exit code */
function run(args, output) {
  return new Promise((resolve) => {
    const child = spawn(node, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => output.push(bytes));
    child.once('close', resolve);
  });
}

async function runRow(steps) {
  for (const { name, args, waitsFor, settles } of steps) {
    await waitsFor?.promise;
    const since = Date.now();
    const output = [];
    const status = await run(args, output);
    const seconds = ((Date.now() - since) / 1000).toFixed(1);
    process.stdout.write(Buffer.concat(output));
    console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
    if (status !== 0) failed.push(name);
    settles?.resolve();
  }
}

await Promise.all(ROWS.map(runRow));
if (failed.length > 0) console.error(`check failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
