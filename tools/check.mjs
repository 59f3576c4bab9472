// npm run check: everything that can be said about the sources without running them. All steps run, even if one fails.
import { spawnSync } from 'node:child_process';

const node = process.execPath;
const STEPS = [
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '-b'] },
  { name: 'codecs', args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.pure.json'] },
  { name: 'layers', args: ['tools/check-layers.mjs'] },
  { name: 'locality', args: ['tools/check-locality.mjs'] },
  {
    name: 'lint',
    args: ['--max-old-space-size=4096', 'node_modules/eslint/bin/eslint.js', '--max-warnings=0', 'packages', 'e2e'],
  },
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
];

const failed = [];
for (const { name, args } of STEPS) {
  const since = Date.now();
  const { status } = spawnSync(node, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const seconds = ((Date.now() - since) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) console.error(`check failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
