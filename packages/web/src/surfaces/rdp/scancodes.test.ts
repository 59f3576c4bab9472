import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMBINATIONS, FUNCTION_KEYS } from '../../session/desktop/desktop-surface.ts';
import { scancodeOf } from './scancodes.ts';

test('keys have the scan codes of set 1', () => {
  for (const [code, expected] of Object.entries({
    Escape: 0x01,
    Digit0: 0x0b,
    Backspace: 0x0e,
    KeyQ: 0x10,
    Enter: 0x1c,
    KeyA: 0x1e,
    Backquote: 0x29,
    ShiftLeft: 0x2a,
    Backslash: 0x2b,
    KeyZ: 0x2c,
    ShiftRight: 0x36,
    AltLeft: 0x38,
    Space: 0x39,
    F1: 0x3b,
    F10: 0x44,
    NumLock: 0x45,
    Numpad7: 0x47,
    NumpadDecimal: 0x53,
    IntlBackslash: 0x56,
    F12: 0x58,
    ControlRight: 0xe01d,
    AltRight: 0xe038,
    Home: 0xe047,
    ArrowUp: 0xe048,
    ArrowDown: 0xe050,
    Delete: 0xe053,
    MetaLeft: 0xe05b,
    ContextMenu: 0xe05d,
  }))
    assert.equal(scancodeOf(code), expected, code);
  assert.equal(scancodeOf('Unidentified'), undefined);
});

test('every key of the menu has one', () => {
  for (const { codes } of [...COMBINATIONS, ...FUNCTION_KEYS])
    for (const code of codes) assert.notEqual(scancodeOf(code), undefined, code);
});
