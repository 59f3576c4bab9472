import { KEYBOARD_LAYOUTS, PLACES, type KeyboardLayout } from './keyboard-layouts.ts';

/** One key, and those held with it. */
export interface KeyStroke {
  readonly scancode: number;
  readonly held: readonly number[];
}

const HELD = { plain: [], shift: [0x2a], altGr: [0xe038] } as const;
const SPACE: KeyStroke = { scancode: 0x39, held: [] };
const COMBINING = /^\p{M}$/u;
/** A dead key and the space bar give the accent itself. */
const ALONE: Readonly<Record<string, string>> = {
  '`': '\u0300',
  '´': '\u0301',
  '^': '\u0302',
  '~': '\u0303',
  '¨': '\u0308',
  '°': '\u030a',
  ˇ: '\u030c',
  '¸': '\u0327',
};

function onKeys(layout: KeyboardLayout): ReadonlyMap<string, KeyStroke> {
  const strokes = new Map<string, KeyStroke>([[' ', SPACE]]);
  for (const level of ['plain', 'shift', 'altGr'] as const)
    for (const [index, character] of Array.from(layout[level]).entries()) {
      const scancode = PLACES[index];
      if (scancode !== undefined && !strokes.has(character)) strokes.set(character, { scancode, held: HELD[level] });
    }
  return strokes;
}

const known = new Map<number, ReadonlyMap<string, KeyStroke>>();

function strokesOf(id: number): ReadonlyMap<string, KeyStroke> {
  let strokes = known.get(id);
  if (strokes === undefined) {
    const layout = Object.values(KEYBOARD_LAYOUTS).find((one) => one.id === id);
    strokes = layout === undefined ? new Map() : onKeys(layout);
    known.set(id, strokes);
  }
  return strokes;
}

/** What types a character on a layout of Windows; undefined where no key of it does. */
export function keyStrokes(character: string, layout: number): readonly KeyStroke[] | undefined {
  const strokes = strokesOf(layout);
  const direct = strokes.get(character);
  if (direct !== undefined) return [direct];
  const accent = strokes.get(ALONE[character] ?? '');
  if (accent !== undefined) return [accent, SPACE];
  const [base = '', mark = '', ...more] = Array.from(character.normalize('NFD'));
  const [dead, letter] = [strokes.get(mark), strokes.get(base)];
  return more.length === 0 && COMBINING.test(mark) && dead !== undefined && letter !== undefined
    ? [dead, letter]
    : undefined;
}
