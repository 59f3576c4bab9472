#!/usr/bin/env node
// Runs one task of the project under the pinned Node, whatever Node and npm the machine has: node scripts/bootstrap.cjs TASK [ARGS]
// INVARIANT: this file parses and runs on Node 12, imports nothing but Node's own modules, and writes to stderr only, because `start --json` owns stdout.
'use strict';

const childProcess = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');

const root = path.dirname(__dirname);
const pinnedNode = fs.readFileSync(path.join(root, '.node-version'), 'utf8').trim();
// Debian's npm cannot run under another Node than Debian's (its dependencies lie in /usr/share/nodejs), so npm comes along with Node.
const pinnedNpm = '11.19.1';
const oldestNpmMajor = 10;

const tasks = {
  // A larger young generation stays resident when the flood that grew it is over; the allocator gives back what it mapped by itself, not what lies
  // between two blocks that are in use. Both are measured in docs/performance.md.
  start: {
    run: ['--max-semi-space-size=4', '--conditions=source', 'packages/gateway/src/main.ts'],
    environment: { MALLOC_MMAP_THRESHOLD_: '36000' },
    needsWeb: true,
  },
  test: { run: ['tools/test.mjs'] },
  soak: { run: ['tools/test.mjs', '--soak'] },
  check: { run: ['tools/check.mjs'] },
  generate: { run: ['--conditions=source', 'tools/generate.mjs'] },
  format: { run: ['node_modules/prettier/bin/prettier.cjs', '--write', '--log-level', 'warn', '.'] },
  bench: { run: ['--conditions=source', 'tools/bench.mjs'], needsWeb: true },
};

function say(words) {
  process.stderr.write('enchilada: ' + words + '\n');
}

function stop(words) {
  say(words);
  process.exit(1);
}

function readIfPresent(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}

function seconds(since) {
  return ((Date.now() - since) / 1000).toFixed(1) + ' s';
}

function satisfiesPin(version) {
  const have = version.split('.').map(Number);
  const pin = pinnedNode.split('.').map(Number);
  return have[0] === pin[0] && (have[1] > pin[1] || (have[1] === pin[1] && have[2] >= pin[2]));
}

/** The npm that started this script, else the first in PATH, as an argument list. */
function npmOfThisMachine() {
  const script = process.env.npm_execpath;
  if (script && /npm-cli\.c?js$/.test(script) && fs.existsSync(script)) return [process.execPath, script];
  const folders = (process.env.PATH || '').split(path.delimiter);
  for (const folder of folders) {
    const candidate = path.join(folder, 'npm');
    if (folder !== '' && fs.existsSync(candidate)) return [candidate];
  }
  return undefined;
}

function runNpm(npm, args, env) {
  const result = childProcess.spawnSync(npm[0], npm.slice(1).concat(args), {
    cwd: root,
    env: env,
    stdio: ['ignore', 2, 2],
  });
  if (result.error) throw result.error;
  return result.status === 0;
}

function versionOf(command) {
  const result = childProcess.spawnSync(command[0], command.slice(1).concat('--version'), {
    cwd: os.tmpdir(),
    encoding: 'utf8',
  });
  return result.status === 0 ? result.stdout.trim().replace(/^v/, '') : undefined;
}

function packagedPlatform() {
  const name = process.platform + '-' + process.arch;
  if (['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'].indexOf(name) < 0) {
    stop('no packaged Node for ' + name + '; put Node ' + pinnedNode + ' first in PATH and try again');
  }
  return name;
}

/** Puts the pinned Node and npm into .node/ unless they are there, and answers where. */
function bringNode() {
  const name = 'node-' + packagedPlatform();
  const modules = path.join(root, '.node', 'node_modules');
  const node = path.join(modules, name, 'bin', 'node');
  const npm = [node, path.join(modules, 'npm', 'bin', 'npm-cli.js')];
  const brought = function () {
    const manifest = readIfPresent(path.join(modules, name, 'package.json'));
    return (
      manifest !== '' && JSON.parse(manifest).version === pinnedNode && fs.existsSync(node) && fs.existsSync(npm[1])
    );
  };
  if (!brought()) {
    const since = Date.now();
    say('this is Node ' + process.versions.node + '; bringing Node ' + pinnedNode + ' into .node/ (about 60 MB, once)');
    const own = npmOfThisMachine();
    if (!own) stop('npm is not in PATH; install npm, or put Node ' + pinnedNode + ' first in PATH, and try again');
    fs.mkdirSync(path.join(root, '.node'), { recursive: true });
    const args = [
      'install',
      '--prefix',
      '.node',
      '--no-save',
      '--ignore-scripts',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ];
    if (!runNpm(own, args.concat(name + '@' + pinnedNode, 'npm@' + pinnedNpm), process.env) || !brought()) {
      stop(
        'could not bring Node ' +
          pinnedNode +
          ' (npm says why above); it comes from the npm registry: check the network or proxy, or put Node ' +
          pinnedNode +
          ' first in PATH, and try again',
      );
    }
    const version = versionOf([node]);
    if (version !== pinnedNode)
      stop('the Node in .node/ does not run here: expected ' + pinnedNode + ', received ' + version);
    say('Node ' + pinnedNode + ' is in .node/ after ' + seconds(since));
  }
  return { node: node, npm: npm, programs: path.join(modules, '.bin') };
}

function chooseNode() {
  if (!satisfiesPin(process.versions.node)) return bringNode();
  return { node: process.execPath, npm: undefined, programs: path.dirname(process.execPath) };
}

/** INVARIANT: asked only when packages must be installed, because starting npm costs longer than a second start may take. */
function chooseNpm(chosen) {
  if (chosen.npm) return chosen.npm;
  const own = npmOfThisMachine();
  const version = own && versionOf(own);
  return version && parseInt(version, 10) >= oldestNpmMajor ? own : bringNode().npm;
}

function digest(parts) {
  const hash = crypto.createHash('sha256');
  parts.forEach(function (part) {
    hash.update(part).update('\0');
  });
  return hash.digest('hex');
}

/** npm records what it installed; someone who ran `npm install` by hand has nothing to wait for. */
function installedAsLocked(lockText) {
  const recorded = readIfPresent(path.join(root, 'node_modules', '.package-lock.json'));
  if (recorded === '') return false;
  const installed = JSON.parse(recorded).packages;
  const locked = JSON.parse(lockText).packages;
  return Object.keys(locked).every(function (key) {
    if (key.indexOf('node_modules/') < 0) return true;
    const entry = installed[key];
    if (!entry) return locked[key].optional === true || locked[key].devOptional === true;
    return entry.version === locked[key].version && entry.integrity === locked[key].integrity;
  });
}

function installPackages(chosen, env) {
  const lock = fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8');
  const stampFile = path.join(root, 'node_modules', '.enchilada-installed');
  const stamp = digest([lock, process.platform, process.arch]);
  if (readIfPresent(stampFile) === stamp) return;
  if (!installedAsLocked(lock)) {
    const since = Date.now();
    say('installing packages');
    if (
      !runNpm(
        chooseNpm(chosen),
        [
          'ci',
          '--ignore-scripts',
          '--include=dev',
          '--include=optional',
          '--no-audit',
          '--no-fund',
          '--loglevel=error',
        ],
        env,
      )
    ) {
      stop(
        'npm ci failed (npm says why above); packages come from the npm registry: check the network or proxy and try again',
      );
    }
    say('packages are installed after ' + seconds(since));
  }
  fs.writeFileSync(stampFile, stamp);
}

function filesUnder(folder) {
  const found = [];
  fs.readdirSync(folder, { withFileTypes: true }).forEach(function (entry) {
    if (entry.name === 'node_modules' || entry.name === 'dist') return;
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) Array.prototype.push.apply(found, filesUnder(file));
    else if (entry.isFile() && !/\.test\.tsx?$/.test(entry.name)) found.push(file);
  });
  return found.sort();
}

function buildWeb(chosen, env) {
  const web = path.join(root, 'packages', 'web');
  if (!fs.existsSync(path.join(web, 'vite.config.ts'))) return;
  const sources = ['packages/web', 'packages/contract/src', 'packages/core/src'].map(function (folder) {
    return path.join(root, folder);
  });
  const files = [].concat.apply([path.join(root, 'package-lock.json')], sources.map(filesUnder));
  const parts = files.map(function (file) {
    return path.relative(root, file) + '\0' + fs.readFileSync(file);
  });
  const stampFile = path.join(web, 'dist', '.built');
  const stamp = digest(parts);
  if (readIfPresent(stampFile) === stamp) return;
  const since = Date.now();
  say('building the web interface');
  const vite = require.resolve('vite/package.json', { paths: [web] });
  const build = [path.join(path.dirname(vite), 'bin', 'vite.js'), 'build', '--logLevel', 'warn'];
  const result = childProcess.spawnSync(chosen.node, build, { cwd: web, env: env, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) stop('the web interface could not be built (vite says why above)');
  fs.mkdirSync(path.dirname(stampFile), { recursive: true });
  fs.writeFileSync(stampFile, stamp);
  say('the web interface is built after ' + seconds(since));
}

function runTask(chosen, args, env) {
  const child = childProcess.spawn(chosen.node, args, { cwd: root, env: env, stdio: 'inherit' });
  ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR2'].forEach(function (signal) {
    process.on(signal, function () {
      // A terminal sends Ctrl+C to the whole foreground group: passing it on would deliver it twice.
      if (!(process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT'))) child.kill(signal);
    });
  });
  child.on('error', function (error) {
    stop('could not run ' + chosen.node + ': ' + error.message);
  });
  child.on('exit', function (code, signal) {
    process.exit(signal ? 128 + os.constants.signals[signal] : code);
  });
}

function main() {
  const name = process.argv[2];
  if (!Object.prototype.hasOwnProperty.call(tasks, name)) {
    stop('task must be one of ' + Object.keys(tasks).join(', ') + '; received ' + (name || 'none'));
  }
  const task = tasks[name];
  const chosen = chooseNode();
  const env = Object.assign({}, task.environment, process.env, {
    PATH: chosen.programs + path.delimiter + (process.env.PATH || ''),
  });
  installPackages(chosen, env);
  if (task.needsWeb) buildWeb(chosen, env);
  runTask(chosen, task.run.concat(process.argv.slice(3)), env);
}

// Tests start the product by the same command.
if (require.main === module) main();
else module.exports = { tasks: tasks };
