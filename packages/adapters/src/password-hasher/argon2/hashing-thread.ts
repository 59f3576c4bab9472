import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/argon2';
import type { HashReply, HashRequest } from './hashing-messages.ts';

// Linux gives each thread a priority of its own; elsewhere this would be that of the whole process. https://man7.org/linux/man-pages/man2/setpriority.2.html
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

function carryOut(request: HashRequest): HashReply {
  try {
    return request.kind === 'hash'
      ? { result: hashSync(request.password, request.options) }
      : { result: verifySync(request.encoded, request.password) };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (request: HashRequest) => {
  parentPort?.postMessage(carryOut(request));
});
