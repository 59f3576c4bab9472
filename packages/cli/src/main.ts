#!/usr/bin/env -S node --conditions=source
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// The gateway's own; where it cannot be written, Node does without.
enableCompileCache(join(import.meta.dirname, '..', '..', '..', 'node_modules', '.cache', 'enchilada'));

const [{ COMMANDS }, { run }] = await Promise.all([import('./commands.ts'), import('./frame/run.ts')]);

// A reader that closed its end (`| head`) wants no more: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

process.exitCode = await run(COMMANDS, process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  now: Date.now,
});
