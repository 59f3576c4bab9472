import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

// INVARIANT: the signal that would open the inspector has a handler before anything else runs (T33).
process.on('SIGUSR1', () => undefined);
// libuv reads this when its first job is queued, so nothing that reads a file may be imported before. Two of the threads may hash passwords.
process.env['UV_THREADPOOL_SIZE'] ??= '8';
// V8 otherwise marks the whole heap for every 32 MiB of buffers that come and go: with ten floods at once twice the CPU of the whole gateway.
// This is how its later versions count them; the price is memory during a flood, both measured in docs/performance.md.
setFlagsFromString('--external-memory-accounted-in-global-limit');
// V8 thinks marking is cheap and otherwise collects when the heap has grown by a third or less: five to seven times for 20 MB of output, and half of
// what that costs (docs/performance.md). A gateway that is quiet collects by itself.
setFlagsFromString('--heap-growing-percent=45');
// Node's slabs of 64 KiB each stay as long as one small buffer in them does, and every idle session keeps a few.
Buffer.poolSize = 8 * 1024;

// Two thousand modules are read, stripped of types and compiled at a start. The cache lies where only who may change the code may write; where it
// cannot be written, Node does without.
const cache = join(import.meta.dirname, '..', '..', '..', 'node_modules', '.cache', 'enchilada');
enableCompileCache(cache);
// A thread has a cache by this alone.
process.env['NODE_COMPILE_CACHE'] ??= cache;

const { run } = await import('./run.ts');
await run(process.argv.slice(2));
