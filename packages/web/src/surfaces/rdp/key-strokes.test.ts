import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keyStrokes } from './key-strokes.ts';
import { KEYBOARD_LAYOUTS, PLACES } from './keyboard-layouts.ts';

const layout = (tag: string): number => KEYBOARD_LAYOUTS[tag]?.id ?? 0;
const [SHIFT, ALT_GR] = [0x2a, 0xe038];

describe('what types a character', () => {
  it('is a key of the layout, with the one that must be held', () => {
    assert.deepEqual(keyStrokes('ö', layout('de-DE')), [{ scancode: 0x27, held: [] }]);
    assert.deepEqual(keyStrokes('Z', layout('de-DE')), [{ scancode: 0x15, held: [SHIFT] }]);
    assert.deepEqual(keyStrokes('{', layout('de-DE')), [{ scancode: 0x08, held: [ALT_GR] }]);
    assert.deepEqual(keyStrokes('{', layout('en-US')), [{ scancode: 0x1a, held: [SHIFT] }]);
  });

  it('is a dead key and the letter, or the space bar for the accent alone', () => {
    const [dead, letter] = [
      { scancode: 0x0d, held: [] },
      { scancode: 0x12, held: [] },
    ];
    assert.deepEqual(keyStrokes('é', layout('de-DE')), [dead, letter]);
    assert.deepEqual(keyStrokes('´', layout('de-DE')), [dead, { scancode: 0x39, held: [] }]);
    assert.deepEqual(keyStrokes('é', layout('fr-FR')), [{ scancode: 0x03, held: [] }]);
  });

  it('is nothing where no key has it, and where the layout is unknown', () => {
    assert.equal(keyStrokes('ß', layout('en-US')), undefined);
    assert.equal(keyStrokes('✓', layout('de-DE')), undefined);
    assert.equal(keyStrokes('a', 0x0411_0411), undefined);
  });

  it('is known for every letter, digit and sign of programs on every layout', () => {
    const signs = Array.from({ length: 95 }, (_, index) => String.fromCodePoint(0x20 + index));
    for (const [tag, { id, plain, shift, altGr }] of Object.entries(KEYBOARD_LAYOUTS)) {
      for (const level of [plain, shift, altGr]) assert.ok(Array.from(level).length <= PLACES.length, tag);
      assert.deepEqual([tag, signs.filter((sign) => keyStrokes(sign, id) === undefined)], [tag, []]);
    }
  });
});
