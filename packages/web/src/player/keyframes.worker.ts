import './worker-scope.ts';
import { SerializeAddon } from '@xterm/addon-serialize';
import { Terminal } from '@xterm/headless';
import type { FromWorker, TapeItem, ToWorker } from './keyframe-messages.ts';
import { Transcript } from './transcript.ts';

const EVERY_BYTES = 512 * 1024;
const EVERY_MS = 60_000;
const KEPT_LINES = 1000;
const MOST_FOUND = 500;

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage: (message: FromWorker) => void;
};
const terminal = new Terminal({ cols: 80, rows: 24, scrollback: KEPT_LINES, allowProposedApi: true });
const serializer = new SerializeAddon();
// The addon is typed for the terminal with a screen; it uses only the buffer, which both have.
terminal.loadAddon(serializer as unknown as Parameters<typeof terminal.loadAddon>[0]);
const transcript = new Transcript();
let bytesSince = 0;
let lastKeyframeMs = 0;
let work = Promise.resolve();

async function feed(items: readonly TapeItem[]): Promise<void> {
  let written: Promise<void> = Promise.resolve();
  for (const item of items) {
    if (bytesSince >= EVERY_BYTES || (bytesSince > 0 && item.atMs - lastKeyframeMs >= EVERY_MS)) {
      await written;
      const keyframe = {
        index: item.index,
        atMs: item.atMs,
        columns: terminal.cols,
        rows: terminal.rows,
        screen: serializer.serialize({ scrollback: KEPT_LINES }),
      };
      scope.postMessage({ type: 'keyframe', keyframe });
      bytesSince = 0;
      lastKeyframeMs = item.atMs;
    }
    if (item.kind === 'resize') {
      await written;
      terminal.resize(item.columns, item.rows);
    } else {
      written = new Promise((resolve) => terminal.write(item.bytes, resolve));
      transcript.add(item.bytes, item.atMs);
      bytesSince += item.bytes.length;
    }
  }
  await written;
  scope.postMessage({ type: 'reached', atMs: items.at(-1)?.atMs ?? 0 });
}

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case 'items':
      work = work.then(() => feed(data.items));
      return;
    case 'find':
      scope.postMessage({ type: 'found', words: data.words, lines: transcript.find(data.words, MOST_FOUND) });
  }
};
