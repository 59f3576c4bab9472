import { FAULTS } from '../../packages/core/src/fault/fault.ts';
import { statusOf } from '../../packages/gateway/src/http/fault-status.ts';

/** docs/faults.md: every code with what it means and its HTTP status. */
export function generateFaults() {
  const rows = Object.entries(FAULTS).map(([code, meaning]) => `| \`${code}\` | ${statusOf(code)} | ${meaning} |`);
  const lines = [
    '# Faults',
    '',
    'Generated from `packages/core/src/fault/fault.ts` by `npm run generate`; a check compares it.',
    '',
    'Every failure that the product names has one of these codes: in `problem+json` answers, on the control socket, in the log, in the audit log as the reason.',
    'Codes are permanent and never used again for something else. An answer also carries a reference, which is in the log beside the cause.',
    '',
    '| code | HTTP | meaning |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ];
  return new Map([['docs/faults.md', lines.join('\n')]]);
}
