// A sign for each test as it ends; a failure in full at once, so that a run that is ended early has said what it found; what files with failures wrote, at the end.
import { relative } from 'node:path';
import { inspect } from 'node:util';

const LINE = 40;
const MOST_WRITTEN = 6_000;

export default async function* progress(events) {
  let signs = 0;
  const written = new Map();
  const failed = new Set();
  for await (const { type, data } of events) {
    if (type === 'test:pass' && data.details?.type !== 'suite') {
      signs += 1;
      yield signs % LINE === 0 ? '.\n' : '.';
    } else if (type === 'test:stderr') {
      written.set(data.file, `${written.get(data.file) ?? ''}${data.message}`.slice(-MOST_WRITTEN));
    } else if (type === 'test:fail') {
      failed.add(data.file);
      const error = data.details?.error;
      if (error?.failureType === 'subtestsFailed') continue;
      signs = 0;
      yield `\n✖ ${data.name} (${relative(process.cwd(), data.file ?? '')}:${data.line ?? 0}, ${Math.round(data.details?.duration_ms ?? 0)} ms)\n${inspect(error?.cause ?? error, { depth: 4 })}\n`;
    }
  }
  yield '\n';
  for (const file of failed)
    if (written.has(file)) yield `${relative(process.cwd(), file ?? '')} wrote:\n${written.get(file)}\n`;
}
