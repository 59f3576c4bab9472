// A sign for each test as it ends; a failure in full at once, so that a run that is ended early has said what it found.
import { relative } from 'node:path';
import { inspect } from 'node:util';

const LINE = 40;

export default async function* progress(events) {
  let signs = 0;
  for await (const { type, data } of events) {
    if (type === 'test:pass' && data.details?.type !== 'suite') {
      signs += 1;
      yield signs % LINE === 0 ? '.\n' : '.';
    } else if (type === 'test:fail') {
      const error = data.details?.error;
      if (error?.failureType === 'subtestsFailed') continue;
      signs = 0;
      yield `\n✖ ${data.name} (${relative(process.cwd(), data.file ?? '')}:${data.line ?? 0}, ${Math.round(data.details?.duration_ms ?? 0)} ms)\n${inspect(error?.cause ?? error, { depth: 4 })}\n`;
    }
  }
  yield '\n';
}
