// Builds the web interface as `npm start` would, so that the end-to-end tests see what people see.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const web = join(import.meta.dirname, '..', 'packages', 'web');
const vite = join(import.meta.dirname, '..', 'node_modules', 'vite', 'bin', 'vite.js');
process.exitCode =
  spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: web,
    stdio: ['ignore', 'inherit', 'inherit'],
  }).status ?? 1;
