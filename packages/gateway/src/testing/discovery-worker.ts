// One node's discovery as a process of its own, to be killed once it says that it is at work: node discovery-worker.ts DATABASE
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { DiscoveryService } from '../discovery/discovery-service.ts';

// A node has a server that keeps it up; this one stays while somebody holds the other end of its input.
process.stdin.resume();
const store = sqlite({ file: process.argv[2] ?? '' });
const hash = '0'.repeat(64);
const nodeId = `worker-${process.pid}`;
const service = new DiscoveryService({
  store,
  audit: {
    append: (event) => Promise.resolve({ ...event, node: nodeId, sequence: 1, at: clock.now(), previous: hash, hash }),
  },
  clock,
  random,
  nodeId,
  types: [aws({ clock })],
  protocols: { linux: 'proto' },
  portOf: () => 22,
  report: (message, cause) => process.stderr.write(`${message}: ${String(cause)}\n`),
});
await service.start();
process.stdout.write('at work\n');
