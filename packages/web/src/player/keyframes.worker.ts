import './worker-scope.ts';
import { RecordingStreamDecoder } from '@enchilada/contract';
import { SerializeAddon } from '@xterm/addon-serialize';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import { Terminal } from '@xterm/headless';
import type { FromWorker, RecordingShape, ToWorker } from './keyframe-messages.ts';
import { RecordingIndex, type Emulator } from './recording-index.ts';

const KEPT_LINES = 1000;
const MOST_FOUND = 500;
const REPORT_EVERY_MS = 150;

const scope = globalThis as unknown as {
  readonly name: string;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage: (message: FromWorker) => void;
};

function emulator(): Emulator {
  const terminal = new Terminal({ cols: 80, rows: 24, scrollback: KEPT_LINES, allowProposedApi: true });
  const serializer = new SerializeAddon();
  // The addons are typed for the terminal with a screen; they use only what both have.
  for (const addon of [serializer, new UnicodeGraphemesAddon()]) terminal.loadAddon(addon);
  return {
    get cols() {
      return terminal.cols;
    },
    get rows() {
      return terminal.rows;
    },
    write: (bytes, done) => terminal.write(bytes, done),
    resize: (columns, rows) => terminal.resize(columns, rows),
    serialize: () => serializer.serialize({ scrollback: KEPT_LINES }),
  };
}

const shape = JSON.parse(scope.name) as RecordingShape;
const index = new RecordingIndex(shape.hasText ? emulator() : undefined, shape);
const decoder = new RecordingStreamDecoder();
let work = Promise.resolve();
let reportedAt = -Infinity;
let damaged = false;

function report(): void {
  reportedAt = performance.now();
  scope.postMessage({ type: 'progress', progress: index.progress() });
}

async function take(bytes: Uint8Array): Promise<void> {
  try {
    if (!damaged) await index.add(decoder.push(bytes));
  } catch {
    damaged = true;
  }
  scope.postMessage({ type: 'taken', bytes: bytes.length });
  if (performance.now() - reportedAt >= REPORT_EVERY_MS) report();
}

function end(): void {
  index.end();
  report();
  scope.postMessage({ type: 'ended', how: damaged ? 'damaged' : decoder.complete ? 'complete' : 'cut' });
}

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case 'bytes': {
      const { bytes } = data;
      work = work.then(() => (bytes === undefined ? end() : take(bytes)));
      return;
    }
    case 'base':
      scope.postMessage({ type: 'base', ticket: data.ticket, base: index.baseFor(data.toMs) });
      return;
    case 'find':
      scope.postMessage({ type: 'found', words: data.words, lines: index.transcript.find(data.words, MOST_FOUND) });
  }
};
