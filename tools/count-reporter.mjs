// A node:test reporter that writes one JSON line for the sum of a run: leaves of the tree only, a suite is not a test.
export default async function* count(source) {
  const sum = { passed: 0, failed: 0, skipped: [] };
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details?.type === 'suite') continue;
    if (data.skip !== undefined || data.todo !== undefined) sum.skipped.push(data.name);
    else if (type === 'test:pass') sum.passed += 1;
    else sum.failed += 1;
  }
  yield `${JSON.stringify(sum)}\n`;
}
