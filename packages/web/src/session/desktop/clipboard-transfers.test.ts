import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LocalFile } from '../../files/dropped.ts';
import { ClipboardFault, type ClipboardFiles, type CopiedFile } from './clipboard-files.ts';
import { ClipboardTransfers, EMPTY_CLIPBOARD, type ClipboardView } from './clipboard-transfers.ts';

function copied(name: string, index = 0): CopiedFile {
  return { index, name, folder: '', size: 3 };
}

/** Resolves once everything that was ready has run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A machine whose files come when the test lets them, and a disk that is full when it says so. */
class Clipboard implements ClipboardFiles {
  readonly asked: string[] = [];
  readonly saved: Record<string, string> = {};
  readonly unfit = new Set<LocalFile>();
  isThere = true;
  isFull = false;
  isWithdrawn = false;
  view: ClipboardView = EMPTY_CLIPBOARD;
  readonly #pieces = new Map<string, PromiseWithResolvers<Uint8Array>>();
  readonly transfers = new ClipboardTransfers(
    () => (this.isThere ? this : undefined),
    (view) => {
      this.view = view;
    },
    async (name, contents, onProgress) => {
      let whole = '';
      for await (const piece of contents) {
        whole += new TextDecoder().decode(piece);
        onProgress(whole.length);
      }
      if (this.isFull) throw new DOMException('full', 'QuotaExceededError');
      this.saved[name] = whole;
    },
  );

  offer(files: readonly LocalFile[]): readonly LocalFile[] {
    return files.filter((file) => this.unfit.has(file));
  }

  withdraw(): void {
    this.isWithdrawn = true;
  }

  async *contents({ name }: CopiedFile, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    this.asked.push(name);
    const piece = Promise.withResolvers<Uint8Array>();
    this.#pieces.set(name, piece);
    signal.addEventListener('abort', () => piece.reject(signal.reason as Error));
    yield await piece.promise;
  }

  async gives(name: string, text: string): Promise<void> {
    this.#pieces.get(name)?.resolve(new TextEncoder().encode(text));
    await settled();
  }

  async fails(name: string, failure: Error): Promise<void> {
    this.#pieces.get(name)?.reject(failure);
    await settled();
  }

  get states(): readonly string[] {
    return this.view.copied.map(({ file, state, trouble }) => [file.name, state, trouble].filter(Boolean).join(' '));
  }
}

const [one, two, three] = [copied('one', 0), copied('two', 1), copied('three', 2)];

test('files that were copied on the machine come one after another, in the order in which they were asked for', async () => {
  const clipboard = new Clipboard();
  clipboard.transfers.copied([one, two, three]);
  for (const file of [two, one, two]) clipboard.transfers.download(file);
  await settled();
  assert.deepEqual(clipboard.asked, ['two']);
  assert.deepEqual(clipboard.states, ['one waiting', 'two running', 'three there']);
  await clipboard.gives('two', 'second');
  assert.deepEqual(clipboard.asked, ['two', 'one']);
  assert.deepEqual(clipboard.states, ['one running', 'two done', 'three there']);
  await clipboard.gives('one', 'first');
  assert.deepEqual(clipboard.saved, { two: 'second', one: 'first' });
  assert.deepEqual(
    clipboard.view.copied.map(({ done }) => done),
    [5, 6, 0],
  );
});

test('one that is cancelled stops, waiting or running, holds up no other and can be asked for again', async () => {
  const clipboard = new Clipboard();
  clipboard.transfers.copied([one, two, three]);
  for (const file of [one, two, three]) clipboard.transfers.download(file);
  await settled();
  clipboard.transfers.cancel(two);
  clipboard.transfers.cancel(one);
  await settled();
  assert.deepEqual(clipboard.asked, ['one', 'three']);
  assert.deepEqual(clipboard.states, ['one there', 'two there', 'three running']);
  clipboard.transfers.download(one);
  await clipboard.gives('three', 'third');
  await clipboard.gives('one', 'first');
  assert.deepEqual(clipboard.saved, { three: 'third', one: 'first' });
});

test('a failure is told by what it was and holds up no other', async () => {
  const clipboard = new Clipboard();
  clipboard.transfers.copied([one, two, three]);
  for (const file of [one, two, three]) clipboard.transfers.download(file);
  await settled();
  await clipboard.fails('one', new ClipboardFault('changed'));
  clipboard.isFull = true;
  await clipboard.gives('two', 'second');
  clipboard.isThere = false;
  await clipboard.gives('three', 'third');
  assert.deepEqual(clipboard.states, ['one failed changed', 'two failed disk', 'three failed disk']);
  clipboard.transfers.download(one);
  await settled();
  assert.deepEqual(clipboard.states[0], 'one failed gone');
  assert.deepEqual(clipboard.saved, {});
});

test('what is copied next takes the place of what was there and ends what was under way', async () => {
  const clipboard = new Clipboard();
  clipboard.transfers.copied([one, two]);
  for (const file of [one, two]) clipboard.transfers.download(file);
  await settled();
  clipboard.transfers.copied([three]);
  await settled();
  assert.deepEqual(clipboard.asked, ['one']);
  assert.deepEqual(clipboard.states, ['three there']);
  clipboard.transfers.copied([]);
  assert.deepEqual(clipboard.view, EMPTY_CLIPBOARD);
});

test('files of this browser are offered as far as the machine can hold them, until they are withdrawn or replaced', () => {
  const clipboard = new Clipboard();
  const local = (name: string): LocalFile => ({ source: new File(['12345'], name), folders: ['a', 'b'] });
  const [fits, unfit] = [local('fits'), local('unfit')];
  clipboard.unfit.add(unfit);
  clipboard.transfers.copied([one]);
  clipboard.transfers.offer([unfit, fits]);
  assert.deepEqual(clipboard.view, {
    copied: [],
    offered: [{ name: 'fits', folder: 'a/b', size: 5, taken: 0 }],
    unfit: ['unfit'],
  });
  clipboard.transfers.taken(fits.source, 4);
  // A machine may read a file from its beginning again.
  clipboard.transfers.taken(fits.source, 2);
  clipboard.transfers.taken(unfit.source, 5);
  assert.deepEqual(
    clipboard.view.offered.map(({ taken }) => taken),
    [4],
  );
  clipboard.transfers.withdraw();
  assert.ok(clipboard.isWithdrawn);
  assert.deepEqual(clipboard.view, EMPTY_CLIPBOARD);
});
