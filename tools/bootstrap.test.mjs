// The bootstrap itself, on a project of three files: what matters is the process it makes, not the product it runs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Linter } from 'eslint';
import { until } from '../packages/core/testing/until.ts';

const ROOT = join(import.meta.dirname, '..');
const project = mkdtempSync(join(tmpdir(), 'enchilada-bootstrap-'));
after(() => rmSync(project, { recursive: true, force: true }));

const write = (file, text) => {
  mkdirSync(join(project, file, '..'), { recursive: true });
  writeFileSync(join(project, file), text);
};
cpSync(join(ROOT, 'scripts/bootstrap.cjs'), join(project, 'scripts/bootstrap.cjs'));
cpSync(join(ROOT, '.node-version'), join(project, '.node-version'));
cpSync(join(ROOT, 'package.json'), join(project, 'package.json'));
// What npm itself would have recorded after installing nothing.
write('package-lock.json', '{ "lockfileVersion": 3, "packages": { "": {} } }');
write('node_modules/.package-lock.json', '{ "lockfileVersion": 3, "packages": {} }');
write(
  'packages/gateway/src/main.ts',
  // The line is written last: who has read it may send a signal.
  `const args: string[] = process.argv.slice(2);
   const idle = setInterval(() => undefined, 1000);
   process.on('SIGTERM', () => { clearInterval(idle); process.exitCode = 7; });
   process.stdout.write(JSON.stringify({ ready: true, args, pid: process.pid, node: process.versions.node }) + '\\n');
   if (args[0] === 'end') process.exit(Number(args[1]));
   if (args[0] === 'die') process.kill(process.pid, 'SIGKILL');`,
);

function run(command, args, env = process.env) {
  const child = spawn(command, args, { cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const heard = { stdout: '', stderr: '' };
  const line = new Promise((resolve) =>
    child.stdout.on('data', (bytes) => (heard.stdout += bytes) && heard.stdout.includes('\n') && resolve(heard.stdout)),
  );
  child.stderr.on('data', (bytes) => (heard.stderr += bytes));
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ ...heard, code, signal })));
  return { child, line, ended };
}
const bootstrap = (...args) => run(process.execPath, ['scripts/bootstrap.cjs', ...args]);
const isAlive = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('writes nothing of its own to stdout and passes the arguments on', async () => {
  const { stdout, code } = await bootstrap('start', 'end', '0', '--port', '0').ended;
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout).args, ['end', '0', '--port', '0']);
});

test('keeps the exit code of the task', async () => {
  assert.equal((await bootstrap('start', 'end', '42').ended).code, 42);
});

test('says by its exit code that a signal ended the task', async () => {
  assert.equal((await bootstrap('start', 'die').ended).code, 128 + 9);
});

test('hands SIGTERM to the task and waits for it', async () => {
  const { child, line, ended } = bootstrap('start');
  await line;
  child.kill('SIGTERM');
  assert.equal((await ended).code, 7);
});

test('leaves nothing running when npm is told to end', async () => {
  // npm passes the signal to its shell only, so the script must have taken the shell's place.
  const { child, line, ended } = run('npm', ['run', '--silent', 'start', '--', 'serve']);
  const { pid } = JSON.parse(await line);
  child.kill('SIGTERM');
  await ended;
  // Where npm went first, its child is known to the system until its new parent has heard of its end.
  await until(() => !isAlive(pid));
});

test('npm adds its banner and nothing else to the one line, and not even that when it is told to be silent', async () => {
  const lines = ({ stdout }) => stdout.split('\n').filter((line) => line !== '');
  const loud = lines(await run('npm', ['start', '--', 'end', '0']).ended);
  assert.equal(loud.filter((line) => !line.startsWith('> ')).length, 1);
  assert.equal(JSON.parse(loud.at(-1)).ready, true);
  assert.equal(lines(await run('npm', ['start', '--silent', '--', 'end', '0']).ended).length, 1);
});

test('refuses a task that it does not know and names those it does', async () => {
  const { stderr, stdout, code } = await bootstrap('deploy').ended;
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /task must be one of start, test, .*; received deploy/u);
});

test('asks npm for nothing when what is installed is what is locked', async () => {
  const { stderr } = await bootstrap('start', 'end', '0').ended;
  assert.equal(stderr, '');
  assert.notEqual(readFileSync(join(project, 'node_modules/.enchilada-installed'), 'utf8'), '');
});

test('parses on Node 12, the oldest that a machine may bring', () => {
  const source = readFileSync(join(ROOT, 'scripts/bootstrap.cjs'), 'utf8');
  const parse = (ecmaVersion, text) =>
    new Linter()
      .verify(text, [{ languageOptions: { ecmaVersion, sourceType: 'commonjs' } }])
      .filter(({ fatal }) => fatal);
  assert.deepEqual(parse(2019, source), []);
  assert.equal(parse(2019, `${source}\nprocess?.exit();`).length, 1, 'what is younger is noticed');
  assert.doesNotMatch(
    source,
    /require\(['"]node:|\.replaceAll\(|\.at\(|Object\.hasOwn|structuredClone|fetch\(|\.rmSync/u,
  );
});

test('npm 6, which comes with Node 12 and 14, is not kept from running the tasks', () => {
  // With `ignore-scripts` in its configuration it runs not even what it is told to, says nothing and ends with 0; later ones do run it.
  assert.doesNotMatch(readFileSync(join(ROOT, '.npmrc'), 'utf8'), /^ignore-scripts/mu);
  const source = readFileSync(join(ROOT, 'scripts/bootstrap.cjs'), 'utf8');
  assert.equal(source.match(/'--ignore-scripts'/gu)?.length, 2, 'what installs packages runs none of their scripts');
});

test('brings the pinned Node where the machine has Node 12 and npm 6, the oldest that one may bring', async () => {
  const [node, npm] = ['12.22.12', '6.14.16'];
  const old = join(project, `node-${node}`);
  const packages = [`node-${process.platform}-${process.arch}@${node}`, `npm@${npm}`];
  const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
  const { code, stderr } = await run('npm', ['install', '--prefix', old, ...flags, ...packages]).ended;
  assert.equal(code, 0, stderr);
  // As on a machine that has just this Node: its folder is where programs are found first, with its npm beside it.
  const machine = { ...process.env, PATH: [join(old, 'node_modules/.bin'), '/usr/bin', '/bin'].join(':') };
  delete machine.npm_execpath;
  rmSync(join(project, '.node'), { recursive: true, force: true });
  const asThere = () => run('npm', ['start', '--silent', '--', 'end', '0'], machine).ended;
  const first = await asThere();
  assert.match(first.stderr, new RegExp(`this is Node ${node}; bringing Node`, 'u'));
  assert.equal(JSON.parse(first.stdout).node, readFileSync(join(ROOT, '.node-version'), 'utf8').trim());
  assert.equal((await asThere()).stderr, '', 'brought once');
});
