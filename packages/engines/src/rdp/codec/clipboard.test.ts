import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import {
  BOTH_LISTS,
  Bench,
  CONTENTS,
  DROPPED,
  FILES,
  FILE_LIST,
  NONE,
  NO_FORMATS,
  TEXT,
  TEXT_FORMAT,
  TEXT_LIST,
  ask,
  capabilities,
  chunk,
  contents,
  described,
  formats,
  listed,
  named,
  passes,
  range,
  said,
} from '../clipboard-rig.ts';
import { ascii, joinBytes, readU16, readU32, u16le, u32le, utf16 } from './bytes.ts';
import type { ClipboardPassage } from './clipboard.ts';
import { parseFormats, permittedCapabilities } from './clipboard-formats.ts';
import { chunksOf, clipboardMessage as clip } from './clipboard-message.ts';

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
