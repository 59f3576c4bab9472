import assert from 'node:assert/strict';
import { createHash, type Hash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { ascii, invalid, joinBytes, readU16, readU32, u16le, u32le, utf16, violation } from './bytes.ts';
import { ClipboardChannel, type ClipboardPassage, type ClipboardPolicy } from './clipboard.ts';
import { contentsRequest, parseFileList, type PassingFile } from './clipboard-files.ts';
import { parseFormats, permittedCapabilities } from './clipboard-formats.ts';
import { chunksOf, clipboardMessage as clip, type Direction } from './clipboard-message.ts';

const chunk = (message: Uint8Array, flags = 3, total = message.length): Uint8Array =>
  joinBytes(u32le(total), u32le(flags), message);
const capabilities = (flags: number): Uint8Array =>
  clip(7, 0, joinBytes(u16le(1), u16le(0), u16le(1), u16le(12), u32le(2), u32le(flags)));
const named = (id: number, name: string): Uint8Array => joinBytes(u32le(id), utf16(`${name}\0`));
const TEXT_FORMAT = 13;
const [FILES, CONTENTS] = [0xc0bc, 0xc0ba];
const NAMED_FILES = [named(FILES, 'FileGroupDescriptorW'), named(CONTENTS, 'FileContents')];
const formats = (...entries: readonly Uint8Array[]): Uint8Array => clip(2, 0, joinBytes(...entries));
const TEXT_LIST = formats(named(TEXT_FORMAT, ''));
const FILE_LIST = formats(...NAMED_FILES);
const BOTH_LISTS = formats(named(TEXT_FORMAT, ''), ...NAMED_FILES);
const NO_FORMATS = clip(2);
const TEXT = clip(5, 1, utf16('otters\0'));
const ask = (id: number): Uint8Array => clip(4, 0, u32le(id));
/** CLIPRDR_FILEDESCRIPTOR. [MS-RDPECLIP] 2.2.5.2.3.1 */
const described = (name: string, size: number | undefined, isFolder = false): Uint8Array => {
  const bytes = new Uint8Array(592);
  bytes.set(u32le(size === undefined ? 0x4 : 0x44), 0);
  bytes.set(u32le(isFolder ? 0x10 : 0x20), 36);
  if (size !== undefined) bytes.set(joinBytes(u32le(Math.floor(size / 2 ** 32)), u32le(size)), 64);
  bytes.set(utf16(name), 72);
  return bytes;
};
const listed = (...files: readonly Uint8Array[]): Uint8Array => clip(5, 1, joinBytes(u32le(files.length), ...files));
const range = (stream: number, index: number, position: number, count: number): Uint8Array =>
  clip(8, 0, contentsRequest({ stream, index, wants: 'range', position, count }));
const size = (stream: number, index: number): Uint8Array =>
  clip(8, 0, contentsRequest({ stream, index, wants: 'size', position: 0, count: 8 }));
const contents = (stream: number, bytes: Uint8Array, flags = 1): Uint8Array =>
  clip(9, flags, joinBytes(u32le(stream), bytes));
const failed = (stream: number): Uint8Array => contents(stream, new Uint8Array(0), 2);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const ALL = { upload: true, download: true };
const NONE = { upload: false, download: false };

class Bench {
  readonly channel: ClipboardChannel;
  readonly content: Uint8Array[] = [];
  whole = 0;
  /** Of files. */
  readonly denied: Direction[] = [];
  readonly deniedText: Direction[] = [];
  /** What became of each file. */
  readonly files: string[] = [];
  readonly #hashes = new Map<PassingFile, Hash>();

  constructor(policy: Partial<ClipboardPolicy> = {}, flags = 0x3e) {
    this.channel = new ClipboardChannel(
      { text: ALL, files: ALL, ...policy },
      {
        content: (_direction, piece, isLast) => {
          this.content.push(piece);
          if (isLast) this.whole += 1;
        },
        files: {
          began: (file) => {
            this.#hashes.set(file, createHash('sha256'));
            this.files.push(`${file.direction} of ${file.name} (${file.size ?? '?'}) began`);
          },
          piece: (file, bytes) => void this.#hashes.get(file)?.update(bytes),
          ended: (file, { isWhole, isInOrder, bytes }) => {
            const hash = isInOrder ? (this.#hashes.get(file)?.digest('hex') ?? '') : 'unordered';
            this.files.push(`${file.name}: ${bytes} ${isWhole ? 'whole' : 'broken'} ${hash}`);
          },
        },
        denied: (direction, what) => (what === 'files' ? this.denied : this.deniedText).push(direction),
        broken: { upload: invalid, download: violation },
      },
    );
    this.target(capabilities(flags));
    this.viewer(capabilities(flags));
  }

  target(message: Uint8Array): Said {
    return said(chunksOf(message).map((one) => this.channel.fromTarget(one)));
  }

  viewer(message: Uint8Array): Said {
    return said(chunksOf(message).map((one) => this.channel.fromViewer(one)));
  }

  /** The machine has copied these. */
  copied(...files: readonly Uint8Array[]): void {
    this.target(FILE_LIST);
    this.viewer(ask(FILES));
    assert.ok(this.target(listed(...files)).onwards);
  }

  /** The person offers these. */
  offered(...files: readonly Uint8Array[]): void {
    this.viewer(formats(named(0xc0fe, 'FileGroupDescriptorW')));
    this.target(ask(0xc0fe));
    assert.ok(this.viewer(listed(...files)).onwards);
  }
}

interface Said {
  readonly onwards: Uint8Array | undefined;
  readonly back: Uint8Array | undefined;
}

/** Whole messages, of their chunks. */
function said(passages: readonly ClipboardPassage[]): Said {
  const whole = (chunks: readonly Uint8Array[]): Uint8Array | undefined =>
    chunks.length === 0 ? undefined : joinBytes(...chunks.map((one) => one.subarray(8)));
  return {
    onwards: whole(passages.flatMap(({ onwards }) => onwards)),
    back: whole(passages.flatMap(({ back }) => back)),
  };
}

const passes = (message: Uint8Array): Said => ({ onwards: message, back: undefined });
const DROPPED: Said = { onwards: undefined, back: undefined };
const refuses = (stream: number): Said => ({ onwards: undefined, back: failed(stream) });

describe('text on the clipboard', () => {
  it('passes an announcement, a request and a content that are permitted, and tells of the content', () => {
    const bench = new Bench();
    for (const message of [clip(1), TEXT_LIST, clip(3, 1), ask(TEXT_FORMAT)])
      assert.deepEqual(bench.target(message), passes(message));
    assert.deepEqual(bench.target(TEXT), passes(TEXT));
    assert.deepEqual(Buffer.concat(bench.content), Buffer.from('otters\0', 'utf16le'));
    assert.equal(bench.whole, 1);
  });

  it('announces an empty clipboard where copying is denied, and lets no content through', () => {
    const bench = new Bench({ text: { upload: true, download: false }, files: NONE });
    assert.deepEqual(bench.target(TEXT_LIST), passes(NO_FORMATS));
    assert.deepEqual(bench.target(TEXT), DROPPED);
    assert.deepEqual(bench.viewer(ask(TEXT_FORMAT)), DROPPED, 'asks for what it may not have');
    assert.deepEqual(bench.content, []);
    assert.deepEqual(bench.viewer(TEXT_LIST), passes(TEXT_LIST));
    assert.deepEqual(bench.viewer(TEXT), passes(TEXT));
  });

  it('announces an empty clipboard where pasting is denied, and lets no content through', () => {
    const bench = new Bench({ text: { upload: false, download: true }, files: NONE });
    assert.deepEqual(bench.viewer(TEXT_LIST), passes(NO_FORMATS));
    assert.deepEqual(bench.viewer(TEXT), DROPPED);
    assert.deepEqual(bench.viewer(clip(1)), DROPPED, 'a viewer is no monitor');
    assert.deepEqual(bench.target(ask(TEXT_FORMAT)), DROPPED);
    assert.deepEqual(bench.target(TEXT), passes(TEXT));
  });

  it('treats the chunks of one message alike', () => {
    const long = clip(5, 1, new Uint8Array(5_000).fill(65));
    for (const permitted of [true, false]) {
      const bench = new Bench({ text: { upload: true, download: permitted }, files: NONE });
      assert.deepEqual(bench.target(long), permitted ? passes(long) : DROPPED);
      assert.equal(Buffer.concat(bench.content).length, permitted ? 5_000 : 0);
      assert.equal(bench.whole, permitted ? 1 : 0);
    }
  });

  it('refuses what is longer than it says, endless, compressed or cut', () => {
    const { channel } = new Bench();
    for (const bytes of [
      chunk(TEXT, 1, 0xffff_ffff),
      chunk(TEXT, 3, 4),
      chunk(TEXT, 3, TEXT.length + 1),
      chunk(TEXT, 0x0020_0003),
      chunk(new Uint8Array(3)),
      new Uint8Array(5),
    ])
      assert.throws(() => channel.fromViewer(bytes), { code: 'PROTOCOL_MESSAGE_INVALID' });
    for (const message of [TEXT, FILE_LIST]) {
      channel.fromViewer(chunk(message, 1, message.length + 2));
      assert.throws(() => channel.fromViewer(chunk(new Uint8Array(3), 2)), { code: 'PROTOCOL_MESSAGE_INVALID' });
    }
  });
});

describe('what is agreed on of files', () => {
  it('is nothing where neither direction is permitted, and never that contents are locked', () => {
    const flagsOf = (said: Uint8Array | undefined): number => readU32(said ?? new Uint8Array(0), 8 + 12);
    for (const [files, flags] of [
      [NONE, 0x2],
      [{ upload: true, download: false }, 0x2e],
      [{ upload: false, download: true }, 0x2e],
    ] as const) {
      const bench = new Bench({ files });
      assert.equal(flagsOf(bench.target(capabilities(0xffff_ffff)).onwards), flags);
      assert.equal(flagsOf(bench.viewer(capabilities(0xffff_ffff)).onwards), flags);
      for (const type of [6, 10, 11, 77])
        assert.deepEqual(
          [bench.target(clip(type, 0, u32le(1))), bench.viewer(clip(type, 0, u32le(1)))],
          [DROPPED, DROPPED],
        );
    }
  });

  it('is found behind other sets, and is nothing where there is none', () => {
    const general = joinBytes(u16le(1), u16le(12), u32le(1), u32le(0x3e));
    const behind = joinBytes(u16le(2), u16le(0), u16le(9), u16le(6), u16le(7), general);
    assert.deepEqual(permittedCapabilities(behind, false), {
      hasLongNames: true,
      body: joinBytes(u16le(1), u16le(0), u16le(1), u16le(12), u32le(1), u32le(2)),
    });
    assert.equal(permittedCapabilities(new Uint8Array(3), true).hasLongNames, false);
  });

  it('leaves the formats of what is denied out of an announcement, in either layout of names', () => {
    const short = (id: number, name: Uint8Array): Uint8Array => {
      const bytes = new Uint8Array(36);
      bytes.set(u32le(id));
      bytes.set(name.subarray(0, 32), 4);
      return bytes;
    };
    const idsOf = (said: Uint8Array | undefined, step: number): readonly number[] => {
      const body = (said ?? new Uint8Array(0)).subarray(8);
      return Array.from({ length: Math.floor(body.length / step) }, (_, index) => readU32(body, index * step));
    };
    const text = short(TEXT_FORMAT, new Uint8Array(0));
    for (const [name, flags] of [
      [utf16('FileGroupDescriptorW'), 0],
      [ascii('FileGroupDescriptorW'), 4],
    ] as const) {
      const list = clip(2, flags, joinBytes(text, short(FILES, name)));
      const onlyText = new Bench({ files: NONE }, 0);
      assert.deepEqual(idsOf(onlyText.target(list).onwards, 36), [TEXT_FORMAT]);
      const onlyFiles = new Bench({ text: NONE }, 0);
      assert.deepEqual(idsOf(onlyFiles.target(list).onwards, 36), [FILES]);
    }
    assert.deepEqual(new Bench({ files: NONE }).target(BOTH_LISTS), passes(TEXT_LIST));
    assert.deepEqual(new Bench({ text: NONE }).viewer(BOTH_LISTS), passes(FILE_LIST));
    const paths = formats(named(15, ''), named(0xc006, 'FileNameW'), named(0xc007, 'Shell IDList Array'));
    assert.deepEqual(new Bench({ files: NONE }).target(paths), passes(NO_FORMATS));
  });
});

describe('what may be asked of a clipboard', () => {
  const FIRST_NAMED = 0xc000;

  it('is text, announced or not, and of what has no right of its own nothing', () => {
    const bench = new Bench({ files: NONE });
    for (const id of [1, 7, 13, 16]) {
      assert.deepEqual(bench.viewer(ask(id)), passes(ask(id)));
      assert.deepEqual(bench.target(ask(id)), passes(ask(id)));
    }
    // Pictures, sound, the pens of a palette, what a program keeps to itself.
    for (const id of [2, 3, 6, 8, 9, 10, 12, 17, 0x0200, 0x03ff, FIRST_NAMED, 0xffff_ffff]) {
      assert.deepEqual(bench.viewer(ask(id)), DROPPED);
      assert.deepEqual(bench.target(ask(id)), DROPPED);
    }
    assert.deepEqual(bench.denied, []);
  });

  it('is told of where a viewer asks for text that is denied, or offers some, and never where a machine does', () => {
    const asking = new Bench({ text: { upload: true, download: false } });
    asking.target(TEXT_LIST);
    assert.deepEqual(asking.viewer(ask(TEXT_FORMAT)), DROPPED);
    assert.deepEqual([asking.deniedText, asking.denied], [['download'], []]);
    const offering = new Bench({ text: { upload: false, download: true } });
    offering.viewer(NO_FORMATS);
    offering.target(ask(TEXT_FORMAT));
    assert.deepEqual(offering.deniedText, []);
    assert.deepEqual(offering.viewer(TEXT_LIST), passes(NO_FORMATS));
    assert.deepEqual([offering.deniedText, offering.denied], [['upload'], []]);
  });

  it('is no path of a file where files are denied, and who asks for one is told of', () => {
    for (const announcement of [undefined, formats(named(15, '')), formats(named(15, 'HTML Format')), BOTH_LISTS]) {
      const bench = new Bench({ files: NONE });
      if (announcement !== undefined) bench.target(announcement);
      assert.deepEqual(bench.viewer(ask(15)), DROPPED);
      assert.deepEqual(bench.denied, ['download']);
    }
    for (const id of [FILES, CONTENTS]) {
      const bench = new Bench({ files: NONE });
      bench.target(BOTH_LISTS);
      assert.deepEqual(bench.viewer(ask(id)), DROPPED);
      assert.deepEqual(bench.denied, ['download']);
    }
    const offering = new Bench({ files: NONE });
    assert.deepEqual(offering.target(ask(15)), DROPPED, 'of the person’s clipboard');
    assert.deepEqual(offering.denied, [], 'no viewer asked');
  });

  it('is no file under the number of a text', () => {
    for (const list of [
      formats(named(TEXT_FORMAT, 'FileGroupDescriptorW')),
      formats(named(TEXT_FORMAT, ''), named(TEXT_FORMAT, 'FileNameW')),
    ]) {
      const bench = new Bench({ files: NONE });
      bench.target(list);
      assert.deepEqual(bench.viewer(ask(TEXT_FORMAT)), DROPPED);
      bench.viewer(list);
      assert.deepEqual(bench.target(ask(TEXT_FORMAT)), DROPPED);
    }
  });

  it('is of what has a name the text that is known, as it is announced', () => {
    const [html, picture, rich] = [
      named(0xc0a0, 'HTML Format'),
      named(0xc0a1, 'PNG'),
      named(0xc0a2, 'Rich Text Format'),
    ];
    const list = formats(html, picture, rich, named(8, ''));
    const bench = new Bench();
    assert.deepEqual(bench.target(list), passes(formats(html)));
    assert.deepEqual(bench.viewer(ask(0xc0a0)), passes(ask(0xc0a0)));
    assert.deepEqual(bench.viewer(ask(0xc0a1)), DROPPED);
    assert.deepEqual(bench.viewer(ask(0xc0a2)), DROPPED);
    assert.deepEqual(bench.viewer(list), passes(formats(html)));
    assert.deepEqual(new Bench({ text: NONE }).target(list), passes(NO_FORMATS));
  });
});

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

describe('any bytes', () => {
  const anything = fc.array(
    fc.record({
      isTarget: fc.boolean(),
      type: fc.constantFrom(1, 2, 3, 4, 5, 8, 9),
      flags: fc.constantFrom(0, 1, 2, 4),
      body: fc.oneof(
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom(
          ...[
            FILE_LIST,
            BOTH_LISTS,
            ask(FILES),
            listed(described('a', 6)),
            range(1, 0, 0, 4),
            contents(1, ascii('otte')),
          ].map((message) => message.subarray(8)),
        ),
      ),
      cut: fc.nat(),
    }),
  );

  it('pass whole or not at all, and pass nothing of files that is denied', () => {
    fc.assert(
      fc.property(anything, fc.boolean(), fc.boolean(), (messages, upload, download) => {
        const bench = new Bench({ files: { upload, download } });
        for (const { isTarget, type, flags, body, cut } of messages) {
          const message = clip(type, flags, body);
          const at = 8 + (cut % Math.max(1, message.length - 8));
          const push = (bytes: Uint8Array): ClipboardPassage =>
            isTarget ? bench.channel.fromTarget(bytes) : bench.channel.fromViewer(bytes);
          const out = said([
            push(chunk(message.subarray(0, at), 1, message.length)),
            push(chunk(message.subarray(at), 2, message.length)),
          ]);
          for (const passed of [out.onwards, out.back]) {
            if (passed === undefined) continue;
            assert.ok(passed.length >= 8);
            assert.equal(readU32(passed, 4), passed.length - 8);
          }
          const of = isTarget ? download : upload;
          if (type === 9 && !of) assert.equal(out.onwards, undefined);
          if (type === 8 && !(isTarget ? upload : download)) assert.equal(out.onwards, undefined);
          if (type === 2 && !of)
            for (const { kind } of parseFormats((out.onwards ?? new Uint8Array(8)).subarray(8), 'long'))
              assert.equal(kind, 'text');
        }
        if (!upload) assert.ok(!bench.files.some((line) => line.startsWith('upload')));
        if (!download) assert.ok(!bench.files.some((line) => line.startsWith('download')));
      }),
      { numRuns: 1_000 },
    );
  });

  it('are taken, or refused', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), fc.boolean(), (list, isMarked) => {
        const { channel } = new Bench();
        for (const bytes of list)
          try {
            channel.fromTarget(isMarked ? chunk(bytes, 3) : bytes);
          } catch (failure) {
            assert.ok(isFault(failure, 'TARGET_PROTOCOL_VIOLATION'), String(failure));
          }
      }),
      { numRuns: 1_000 },
    );
  });

  it('of a file give the hash of that file, however it was asked for in order', () => {
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

  it('of a message come out in chunks that make it up again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 6_000 }), (message) => {
        const chunks = chunksOf(message, 0x10);
        assert.deepEqual(joinBytes(...chunks.map((one) => one.subarray(8))), message);
        for (const [index, one] of chunks.entries()) {
          assert.equal(readU32(one, 0), message.length);
          const flags = 0x10 | (index === 0 ? 1 : 0) | (index === chunks.length - 1 ? 2 : 0);
          assert.equal(readU16(one, 4), flags);
        }
      }),
    );
  });
});
