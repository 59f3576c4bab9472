import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  BOTH_LISTS,
  Bench,
  DROPPED,
  FILES,
  FILE_LIST,
  NONE,
  NO_FORMATS,
  TEXT,
  TEXT_FORMAT,
  TEXT_LIST,
  ask,
  contents,
  described,
  failed,
  listed,
  passes,
  range,
  refuses,
  sha256,
  size,
} from '../clipboard-rig.ts';
import { ascii, joinBytes, u32le } from './bytes.ts';
import { parseFileList } from './clipboard-files.ts';
import { clipboardMessage as clip } from './clipboard-message.ts';

describe('files that a machine has copied', () => {
  it('come to the person piece by piece, each with the hash of what passed', () => {
    const bench = new Bench();
    bench.copied(described('report.txt', 6), described('empty', 0));
    assert.deepEqual(bench.viewer(size(1, 0)), passes(size(1, 0)));
    const sizeOf = (bytes: number): Uint8Array => joinBytes(u32le(bytes), u32le(0));
    assert.deepEqual(bench.target(contents(1, sizeOf(6))), passes(contents(1, sizeOf(6))));
    for (const [stream, position, text] of [
      [2, 0, 'otte'],
      [3, 4, 'rs'],
    ] as const) {
      assert.deepEqual(bench.viewer(range(stream, 0, position, 4)), passes(range(stream, 0, position, 4)));
      assert.deepEqual(bench.target(contents(stream, ascii(text))), passes(contents(stream, ascii(text))));
    }
    bench.viewer(size(4, 1));
    bench.target(contents(4, sizeOf(0)));
    assert.deepEqual(bench.files, [
      'download of report.txt (6) began',
      `report.txt: 6 whole ${sha256('otters')}`,
      'download of empty (0) began',
      `empty: 0 whole ${sha256('')}`,
    ]);
  });

  it('are not asked for in another order, twice at a time, behind the list, or as a folder', () => {
    const bench = new Bench();
    assert.deepEqual(bench.viewer(range(1, 0, 0, 4)), refuses(1), 'before there is a list');
    bench.copied(described('report.txt', 6), described('folder', 0, true));
    for (const [stream, message] of [
      [1, range(1, 0, 2, 4)],
      [2, range(2, 2, 0, 4)],
      [3, range(3, 0xffff_ffff, 0, 4)],
      [4, range(4, 1, 0, 4)],
      [5, range(5, 0, 0, 0)],
      [6, range(6, 0, 0, 0x7fff_ffff)],
      [7, clip(8, 0, joinBytes(...[7, 0, 3, 0, 0, 4].map(u32le)))],
      [8, clip(8, 0, joinBytes(...[8, 0, 2, 0, 0xffff_ffff, 4].map(u32le)))],
    ] as const)
      assert.deepEqual(bench.viewer(message), refuses(stream));
    assert.deepEqual(bench.viewer(range(9, 0, 0, 4)), passes(range(9, 0, 0, 4)));
    assert.deepEqual(bench.viewer(range(10, 0, 0, 4)), refuses(10), 'while the first is under way');
    assert.deepEqual(bench.viewer(size(9, 0)), refuses(9), 'by a number that is taken');
    assert.deepEqual(bench.target(contents(11, ascii('otte'))), DROPPED, 'nobody asked');
    assert.deepEqual(bench.files, []);
  });

  it('break off where the machine lies about their size, fails, copies something else, or the viewer goes', () => {
    const began = 'download of report.txt (6) began';
    const starting = (): Bench => {
      const bench = new Bench();
      bench.copied(described('report.txt', 6));
      bench.viewer(range(1, 0, 0, 4));
      bench.target(contents(1, ascii('otte')));
      bench.viewer(range(2, 0, 4, 4));
      return bench;
    };
    const broken = [began, `report.txt: 4 broken ${sha256('otte')}`];
    for (const lie of ['rs!', 'rs and much more']) {
      const bench = starting();
      assert.deepEqual(bench.target(contents(2, ascii(lie))), passes(failed(2)));
      assert.deepEqual(bench.files, broken);
    }
    const fails = starting();
    assert.deepEqual(fails.target(failed(2)), passes(failed(2)));
    assert.deepEqual(fails.files, broken);
    for (const other of [TEXT_LIST, NO_FORMATS]) {
      const bench = starting();
      bench.target(other);
      assert.deepEqual(bench.target(contents(2, ascii('rs'))), passes(failed(2)));
      assert.deepEqual(bench.viewer(range(3, 0, 0, 4)), refuses(3));
      assert.deepEqual(bench.files, broken);
    }
    const replaced = starting();
    replaced.copied(described('other', 2));
    assert.deepEqual(replaced.target(contents(2, ascii('rs'))), passes(failed(2)));
    assert.deepEqual(replaced.files, broken);
    const leaves = starting();
    leaves.channel.close();
    assert.deepEqual(leaves.files, broken);
    const again = starting();
    again.copied(described('report.txt', 6));
    again.target(contents(2, ascii('rs')));
    assert.deepEqual(again.files, [began, `report.txt: 6 whole ${sha256('otters')}`], 'the same list, announced again');
  });

  it('begin anew from their start, a bounded number of times', () => {
    const bench = new Bench();
    bench.copied(described('report.txt', 6));
    let stream = 0;
    for (; stream < 50; stream += 1) {
      if (bench.viewer(range(stream, 0, 0, 4)).onwards === undefined) break;
      bench.target(contents(stream, ascii('otte')));
    }
    assert.ok(stream > 2 && stream < 50, `${stream}`);
  });

  it('are neither announced, listed nor handed out where that is denied', () => {
    const bench = new Bench({ files: { upload: true, download: false } });
    assert.deepEqual(bench.target(BOTH_LISTS), passes(TEXT_LIST));
    assert.deepEqual(bench.viewer(ask(FILES)), DROPPED);
    assert.deepEqual(bench.viewer(range(1, 0, 0, 4)), refuses(1));
    assert.deepEqual(bench.target(contents(1, ascii('otte'))), DROPPED);
    assert.deepEqual([bench.files, bench.denied], [[], ['download', 'download']], 'the list, and the contents');
    // What is not asked for as files does not pass as text either.
    const onlyFiles = new Bench({ text: NONE });
    onlyFiles.target(BOTH_LISTS);
    assert.deepEqual(onlyFiles.viewer(ask(TEXT_FORMAT)), DROPPED);
    assert.deepEqual(onlyFiles.target(TEXT), DROPPED);
    onlyFiles.viewer(ask(FILES));
    assert.deepEqual(onlyFiles.target(TEXT), passes(clip(5, 2)), 'no list of files');
    assert.deepEqual(onlyFiles.content, []);
  });

  it('are cut to a thousand, and a list that holds less than it says is none', () => {
    const many = Array.from({ length: 1_200 }, (_, index) => described(`${index}`, index));
    const bench = new Bench();
    bench.target(FILE_LIST);
    bench.viewer(ask(FILES));
    const list = parseFileList((bench.target(listed(...many)).onwards ?? new Uint8Array(0)).subarray(8));
    assert.equal(list?.files.length, 1_000);
    assert.deepEqual(bench.viewer(range(1, 1_000, 0, 4)), refuses(1));
    bench.viewer(ask(FILES));
    assert.deepEqual(bench.target(clip(5, 1, joinBytes(u32le(3), described('a', 1)))), passes(clip(5, 2)));
    bench.viewer(ask(FILES));
    assert.deepEqual(bench.target(clip(5, 1, u32le(0xffff_ffff))), passes(clip(5, 2)));
  });
});

describe('files that a person offers', () => {
  it('go as the machine reads them, in order with a hash, and in another order without', () => {
    const bench = new Bench();
    bench.offered(described('in order', 6), described('from its end', 6), described('with a leap', 6));
    for (const [stream, index, position, text] of [
      [1, 0, 0, 'otte'],
      [2, 0, 4, 'rs'],
      [3, 1, 4, 'rs'],
      [4, 1, 2, 'te'],
      [5, 1, 0, 'ot'],
      [6, 2, 0, 'ot'],
      [7, 2, 4, 'rs'],
      [8, 2, 2, 'te'],
    ] as const) {
      const asked = range(stream, index, position, 4);
      assert.deepEqual(bench.target(asked), passes(asked));
      assert.deepEqual(bench.viewer(contents(stream, ascii(text))), passes(contents(stream, ascii(text))));
    }
    bench.channel.close();
    assert.deepEqual(bench.files, [
      'upload of in order (6) began',
      `in order: 6 whole ${sha256('otters')}`,
      'upload of from its end (6) began',
      'from its end: 4 broken unordered',
      'upload of from its end (6) began',
      'upload of with a leap (6) began',
      'with a leap: 6 whole unordered',
      `from its end: 2 broken ${sha256('ot')}`,
    ]);
  });

  it('may be asked for as xrdp does: with the number of a lock, and for a size in no bytes', () => {
    const bench = new Bench();
    bench.offered(described('report.txt', 6));
    const asXrdp = (...fields: readonly number[]): Uint8Array =>
      joinBytes(clip(8, 0, joinBytes(...fields.map(u32le))), u32le(0));
    assert.deepEqual(bench.target(asXrdp(5, 0, 1, 0, 0, 0, 0)), passes(size(5, 0)));
    assert.deepEqual(bench.target(asXrdp(6, 0, 2, 0, 0, 4096, 0)), passes(range(6, 0, 0, 4096)));
  });

  it('are asked for by few at a time, and each refusal is an answer', () => {
    const bench = new Bench();
    bench.offered(described('report.txt', 600));
    for (let stream = 0; stream < 16; stream += 1) assert.ok(bench.target(range(stream, 0, stream * 4, 4)).onwards);
    assert.deepEqual(bench.target(range(16, 0, 64, 4)), refuses(16));
    assert.deepEqual(bench.target(clip(8, 0, u32le(17))), refuses(17));
  });

  it('are not offered where that is denied, and nothing of them goes', () => {
    const bench = new Bench({ files: { upload: false, download: true } });
    assert.deepEqual(bench.viewer(FILE_LIST), passes(NO_FORMATS));
    assert.deepEqual(bench.target(ask(FILES)), DROPPED);
    assert.deepEqual(
      bench.viewer(listed(described('report.txt', 6))).onwards?.length,
      listed(described('report.txt', 6)).length,
      'as text, of which nobody knows better',
    );
    assert.deepEqual(bench.target(range(1, 0, 0, 4)), refuses(1));
    assert.deepEqual(bench.viewer(contents(1, ascii('otte'))), DROPPED);
    assert.deepEqual([bench.files, bench.denied], [[], ['upload']]);
  });
});

describe('any file', () => {
  it('gives its hash, however it was asked for in order', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 400 }),
        fc.array(fc.integer({ min: 1, max: 50 })),
        (file, steps) => {
          const bench = new Bench();
          bench.copied(described('file', file.length));
          let at = 0;
          for (let stream = 0; at < file.length; stream += 1) {
            const count = steps[stream % Math.max(1, steps.length)] ?? 7;
            assert.ok(bench.viewer(range(stream, 0, at, count)).onwards);
            const piece = file.subarray(at, at + count);
            assert.deepEqual(bench.target(contents(stream, piece)), passes(contents(stream, piece)));
            at += piece.length;
          }
          assert.equal(
            bench.files.at(-1),
            `file: ${file.length} whole ${createHash('sha256').update(file).digest('hex')}`,
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});
