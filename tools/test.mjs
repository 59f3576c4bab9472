// npm test: everything, against real servers. npm test -- --only NAME[,NAME], --file PART-OF-A-PATH[,PART], --list and --strict, which counts what is skipped as failed (as CI=true does).
// npm run soak: those that are worth running for long, for as long as they ask for (TEST_SOAK_MINUTES).
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bringPackages } from './packages.mjs';

const ROOT = join(import.meta.dirname, '..');
const MINUTE = 60_000;
/** `files`: node:test files. `command`: a step that counts as one test. */
const SUITES = [
  { name: 'check', command: ['tools/check.mjs'], limitMs: 15 * MINUTE },
  { name: 'tools', files: ['tools/**/*.test.mjs'], limitMs: 5 * MINUTE },
  { name: 'core', files: ['packages/core/src/**/*.test.ts'], limitMs: 8 * MINUTE },
  { name: 'contract', files: ['packages/contract/src/**/*.test.ts'], limitMs: 3 * MINUTE },
  { name: 'engines', files: ['packages/engines/src/**/*.test.ts'], limitMs: 12 * MINUTE },
  { name: 'adapters', files: ['packages/adapters/src/**/*.test.ts'], limitMs: 15 * MINUTE },
  { name: 'gateway', files: ['packages/gateway/src/**/*.test.ts'], limitMs: 20 * MINUTE },
  { name: 'web', files: ['packages/web/src/**/*.test.ts'], limitMs: 3 * MINUTE },
  { name: 'cli', files: ['packages/cli/src/**/*.test.ts'], limitMs: 5 * MINUTE },
  { name: 'build', command: ['tools/build-web.mjs'], limitMs: 5 * MINUTE },
  { name: 'e2e', files: ['e2e/**/*.test.ts'], limitMs: 45 * MINUTE },
];
const NODE_OPTIONS = ['--conditions=source', '--disable-warning=ExperimentalWarning'];
/** Against what hangs: a machine may be three times as slow as another. */
const TEST_LIMIT_MS = 10 * MINUTE;
/** A soak takes as long as it does; this ends one that hangs. */
const SOAK_LIMIT_MS = 12 * 60 * MINUTE;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    list: { type: 'boolean' },
    soak: { type: 'boolean' },
    file: { type: 'string' },
    strict: { type: 'boolean' },
  },
});
if (options.list) {
  for (const { name, files, command } of SUITES) console.log(`${name.padEnd(10)} ${(files ?? command).join(' ')}`);
  process.exit(0);
}
const wanted = options.only?.split(',');
const parts = options.file?.split(',');
const unknown = wanted?.filter((name) => !SUITES.some((suite) => suite.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(`there is no suite ${unknown.join(', ')}; there are ${SUITES.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), 'enchilada-test-'));

// Whoever ends this ends what it started: a signal by itself would skip what is done at the exit, and leave the suite running.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(signal, () => process.exit(128 + constants.signals[signal]));

/** Runs in a process group of its own, so that a suite that hangs is ended with everything it started. */
function run(args, limitMs) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
      env: {
        ...process.env,
        TEST_SOAK: options.soak ? '1' : '',
        // Each file is a process of its own, and all load the same sources.
        NODE_COMPILE_CACHE: join(scratch, 'compiled'),
      },
    });
    const end = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // Everything has gone by itself.
      }
    };
    const timer = setTimeout(() => {
      console.error(`not done after ${limitMs / MINUTE} minutes: ended`);
      end();
    }, limitMs);
    process.once('exit', end);
    child.on('exit', (code) => {
      clearTimeout(timer);
      process.off('exit', end);
      end();
      resolve(code ?? 1);
    });
  });
}

async function runFiles({ name, files, limitMs, atOnce = 2 }) {
  const found = files
    .flatMap((pattern) => globSync(pattern, { cwd: ROOT, exclude: ['**/node_modules/**', '**/dist/**'] }))
    .filter((file) => parts === undefined || parts.some((part) => file.includes(part)))
    .filter((file) => !options.soak || readFileSync(join(ROOT, file), 'utf8').includes('TEST_SOAK'))
    .sort();
  if (found.length === 0 && isNarrowed) return { passed: 0, failed: 0, skipped: [] };
  if (found.length === 0) return { passed: 0, failed: 1, skipped: [], words: `no file matches ${files.join(' ')}` };
  const sums = join(scratch, `${name}.json`);
  const reporters = [
    '--test-reporter=./tools/progress-reporter.mjs',
    '--test-reporter-destination=stdout',
    '--test-reporter=./tools/count-reporter.mjs',
    `--test-reporter-destination=${sums}`,
  ];
  const code = await run(
    [
      ...NODE_OPTIONS,
      '--test',
      `--test-concurrency=${atOnce}`,
      `--test-timeout=${options.soak ? SOAK_LIMIT_MS : TEST_LIMIT_MS}`,
      ...reporters,
      ...found,
    ],
    options.soak ? SOAK_LIMIT_MS : limitMs,
  );
  try {
    const sum = JSON.parse(readFileSync(sums, 'utf8'));
    // A run that ends badly without a failed test (a hook, a crash) has failed all the same.
    return code !== 0 && sum.failed === 0 ? { ...sum, failed: 1, words: `the runner ended with ${code}` } : sum;
  } catch {
    return { passed: 0, failed: 1, skipped: [], words: `the runner ended with ${code} and counted nothing` };
  }
}

async function runCommand({ command, limitMs }) {
  const code = await run([...NODE_OPTIONS, ...command], limitMs);
  return code === 0
    ? { passed: 1, failed: 0, skipped: [] }
    : { passed: 0, failed: 1, skipped: [], words: `ended with ${code}` };
}

const started = Date.now();
const rows = [];
if (!bringPackages()) {
  console.log('0 passed, 1 failed');
  process.exit(1);
}
const isNarrowed = options.soak || options.file !== undefined;
const suites = SUITES.filter(({ name }) => wanted === undefined || wanted.includes(name));
for (const suite of suites.filter(({ name }) => name !== 'check' || !isNarrowed)) {
  console.log(`\n== ${suite.name}`);
  const since = Date.now();
  const sum = await (suite.files === undefined ? runCommand(suite) : runFiles(suite));
  rows.push({ name: suite.name, seconds: (Date.now() - since) / 1000, ...sum });
  console.log(
    `== ${suite.name}: ${sum.passed} passed, ${sum.failed} failed after ${((Date.now() - since) / 1000).toFixed(1)} s${sum.words === undefined ? '' : ` (${sum.words})`}`,
  );
  for (const [file, seconds] of sum.slowest ?? []) console.log(`   ${seconds.toFixed(1).padStart(6)} s  ${file}`);
}
rmSync(scratch, { recursive: true, force: true });

const strict = options.strict || process.env.CI === 'true';
const skipped = rows.flatMap(({ name, skipped }) => skipped.map((test) => `${name}: ${test}`));
for (const test of skipped) console.error(`skipped: ${test}`);
console.log(
  `\n${rows.map(({ name, seconds, passed, failed }) => `${name.padEnd(10)} ${seconds.toFixed(1).padStart(7)} s  ${passed} passed, ${failed} failed`).join('\n')}`,
);
console.log(`${((Date.now() - started) / 1000).toFixed(0)} s in all\n`);
const passed = rows.reduce((sum, row) => sum + row.passed, 0);
const failed = rows.reduce((sum, row) => sum + row.failed, 0) + (strict ? skipped.length : 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
