// Who may import whom. Fails on a violation, and when it sees so little that its silence would prove nothing.
import { spawnSync } from 'node:child_process';
import { FEWEST_EDGES } from './layers.mjs';

const run = spawnSync(
  process.execPath,
  [
    'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
    'packages',
    '--config',
    '.dependency-cruiser.mjs',
    '--output-type',
    'json',
  ],
  {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  },
);
if (run.stdout === '') {
  console.error(run.stderr);
  process.exit(1);
}
const report = JSON.parse(run.stdout);
const packageOf = (path) => /^packages\/([^/]+)\//u.exec(path)?.[1];
const crossing = report.modules
  .flatMap((module) =>
    module.dependencies.map((dependency) => [packageOf(module.source), packageOf(dependency.resolved)]),
  )
  .filter(([from, to]) => from !== undefined && to !== undefined && from !== to).length;
for (const { rule, from, to } of report.summary.violations) console.error(`${rule.name}: ${from} -> ${to}`);
console.log(
  `${report.summary.totalCruised} modules, ${crossing} edges between packages, ${report.summary.error} violations`,
);
if (crossing < FEWEST_EDGES)
  console.error(`expected at least ${FEWEST_EDGES} edges between packages: the checker does not see the code`);
process.exitCode = report.summary.error === 0 && crossing >= FEWEST_EDGES ? 0 : 1;
