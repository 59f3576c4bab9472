// A node:test reporter that writes one JSON line for the sum of a run: leaves of the tree only, a suite is not a test. `slowest`: seconds by file.
import { relative } from 'node:path';

const SLOWEST = 5;

export default async function* count(source) {
  const sum = { passed: 0, failed: 0, skipped: [] };
  const seconds = new Map();
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const file = relative(process.cwd(), data.file ?? '');
    if (data.nesting === 0) seconds.set(file, (seconds.get(file) ?? 0) + (data.details?.duration_ms ?? 0) / 1_000);
    if (data.details?.type === 'suite') continue;
    if (data.skip !== undefined || data.todo !== undefined) sum.skipped.push(data.name);
    else if (type === 'test:pass') sum.passed += 1;
    else sum.failed += 1;
  }
  const slowest = [...seconds].sort(([, one], [, other]) => other - one).slice(0, process.env.TEST_SLOWEST ?? SLOWEST);
  yield `${JSON.stringify({ ...sum, slowest })}\n`;
}
