import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSmall, TextFile } from './text-file.ts';

const fileOf = (text: string): TextFile => new TextFile(new TextEncoder().encode(text));

test('an edited file keeps its line ends, its byte order mark and its end without a line end', () => {
  for (const [file, change, saved] of [
    ['one\r\ntwo\r\nthree\r\n', ['two', 'zwei\nand more'], 'one\r\nzwei\r\nand more\r\nthree\r\n'],
    ['one\ntwo', ['two', 'zwei'], 'one\nzwei'],
    ['one\r\ntwo', ['two', 'zwei\ndrei'], 'one\r\nzwei\r\ndrei'],
    ['one\rtwo\r', ['one', 'eins'], 'eins\rtwo\r'],
    ['\uFEFFone\r\n', ['one', 'eins'], '\uFEFFeins\r\n'],
    ['\uFEFFone\r\n', ['one\n', ''], '\uFEFF'],
    ['', ['', 'a\nb\n'], 'a\nb\n'],
    ['no end', ['no end', 'no end\nat all'], 'no end\nat all'],
    ['a\r\nb\r\nc\r\n', ['b\n', ''], 'a\r\nc\r\n'],
  ] as const) {
    const text = fileOf(file);
    assert.ok(!/[\r\uFEFF]/u.test(text.shown), file);
    assert.equal(text.usualOfMixed, undefined, file);
    assert.equal(text.saved(text.shown), file);
    assert.equal(text.saved(text.shown.replace(...change)), saved);
  }
});

test('of a file with different line ends what is above and below the change stays byte for byte, and the rest ends as most lines do', () => {
  const file = 'a\nb\r\nc\rd\r\ne\nf\r\n';
  const text = fileOf(file);
  assert.equal(text.usualOfMixed, 'CRLF');
  assert.equal(text.shown, 'a\nb\nc\nd\ne\nf\n');
  assert.equal(text.saved(text.shown), file);
  assert.equal(text.saved('a\nb\nC\nnew\nd\ne\nf\n'), 'a\nb\r\nC\r\nnew\r\nd\r\ne\nf\r\n');
  assert.equal(text.saved('a\nb\nd\ne\nf\n'), 'a\nb\r\nd\r\ne\nf\r\n');
  assert.equal(text.saved(`${text.shown}end`), `${file}end`);
  assert.equal(text.saved('a'), 'a');
});

test('what is no UTF-8 is not edited', () => {
  assert.throws(() => new TextFile(Uint8Array.of(0x61, 0xff)), { code: 'FILE_UNFIT' });
});

test('of a file that has become large no more than fits is read', async () => {
  let given = 0;
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      given += 1;
      controller.enqueue(new Uint8Array(10));
    },
    cancel() {
      isCancelled = true;
    },
  });
  await assert.rejects(readSmall(new Response(endless), 100), { code: 'EDIT_TOO_LARGE' });
  assert.ok(isCancelled);
  assert.ok(given < 20, `${given} pieces`);
  assert.deepEqual(await readSmall(new Response('ten bytes.'), 10), new TextEncoder().encode('ten bytes.'));
  assert.equal((await readSmall(new Response(''), 10)).length, 0);
  const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new TypeError('cut')) });
  await assert.rejects(readSmall(new Response(broken), 100), { code: 'NETWORK' });
});
