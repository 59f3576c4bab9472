import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnFolder } from './own-disk.ts';

/** A file system that gives what is there when it is asked to make it, as browsers do. */
class Disk {
  readonly kind = 'directory';
  readonly name: string;
  readonly entries = new Map<string, Disk | { readonly kind: 'file'; readonly name: string }>();
  readonly #key: (name: string) => string;

  constructor(name: string, key: (name: string) => string = (same) => same) {
    this.name = name;
    this.#key = key;
  }

  getDirectoryHandle = (name: string, options?: { readonly create: boolean }): Promise<unknown> =>
    this.#get(name, options?.create === true && (() => new Disk(name, this.#key)));

  getFileHandle = (name: string, options?: { readonly create: boolean }): Promise<unknown> =>
    this.#get(name, options?.create === true && (() => ({ kind: 'file', name })));

  removeEntry = (name: string): Promise<void> => {
    this.entries.delete(this.#key(name));
    return Promise.resolve();
  };

  get names(): readonly string[] {
    return [...this.entries.values()].map(({ name }) => name).toSorted();
  }

  /** As the browser gives it to a page. */
  get handle(): FileSystemDirectoryHandle {
    return this as unknown as FileSystemDirectoryHandle;
  }

  async #get(name: string, make: false | (() => Disk | { readonly kind: 'file'; readonly name: string })) {
    if (new TextEncoder().encode(name).length > 255) throw new DOMException('', 'InvalidModificationError');
    const there = this.entries.get(this.#key(name));
    // Another one could come in between.
    await Promise.resolve();
    if (there !== undefined) return there;
    if (make === false) throw new DOMException('', 'NotFoundError');
    const made = make();
    this.entries.set(this.#key(name), made);
    return made;
  }
}

test('what is there already keeps its name, and what a download makes is all that it takes back', async () => {
  const disk = new Disk('');
  await disk.getDirectoryHandle('Projekt', { create: true });
  await disk.getFileHandle('Projekt (2)', { create: true });
  const before = [...disk.entries.values()];
  const folder = await new OwnFolder(disk.handle).folder('Projekt');
  assert.equal(folder.name, 'Projekt (3)');

  const inside = disk.entries.get('Projekt (3)') as Disk;
  await inside.getFileHandle('notes.txt', { create: true });
  const target = folder.file('notes.txt');
  const made = await target.open();
  assert.equal(made.name, 'notes (2).txt');
  await target.discard(made);
  assert.deepEqual(inside.names, ['notes.txt']);
  assert.deepEqual([...disk.entries.values()].slice(0, 2), before);
});

test('names that become one on this disk get a number each, however they are opened', async () => {
  const disk = new Disk('', (name) => name.toLowerCase());
  const folder = new OwnFolder(disk.handle);
  await folder.folder('A_B');
  const names = ['a:b', 'a_b', 'A*b', 'notes.txt', 'NOTES.txt', '.profile', '.Profile', 'x.tar.gz', 'x.TAR.gz'];
  const opened = await Promise.all(names.map(async (name) => (await folder.file(name).open()).name));
  assert.deepEqual(opened, [
    ...['a_b (2)', 'a_b (3)', 'A_b (4)', 'notes.txt', 'NOTES (2).txt'],
    ...['.profile', '.Profile (2)', 'x.tar.gz', 'x.TAR (2).gz'],
  ]);
  assert.equal((await folder.folder('a?b')).name, 'a_b (5)');
});

test('a name is as long as a disk takes, and numbers come to an end', async () => {
  const disk = new Disk('');
  const folder = new OwnFolder(disk.handle);
  const long = `${'ü'.repeat(200)}.txt`;
  const [first, second] = [await folder.file(`${long}`).open(), await folder.file(`${long}`).open()];
  assert.ok(first.name.endsWith('ü.txt') && second.name.endsWith('ü (2).txt'), second.name);
  for (const { name } of [first, second, await folder.folder('x'.repeat(1_000))])
    assert.ok(new TextEncoder().encode(`${name}.crswap`).length <= 255, name);

  for (let count = 0; count < 999; count += 1) await folder.file('same').open();
  await assert.rejects(folder.file('same').open(), { code: 'LOCAL_DISK' });
});
