import type { KeyStrokes } from '@enchilada/contract';
import { meaningOfKey } from './desktop-stages.ts';

type Stroke = KeyStrokes['items'][number];

/** What was typed without a pause, as text: a key that types nothing stands in brackets. */
export interface KeyLine {
  readonly atMs: number;
  readonly text: string;
}

const PAUSE_MS = 3_000;
const MOST_LINE = 80;
const HELD = /^(?<name>Shift|Control|Alt|Meta)(?:Left|Right)$/u;
const PLAIN: Readonly<Record<string, string>> = {
  Space: ' ',
  Minus: '-',
  Equal: '=',
  BracketLeft: '[',
  BracketRight: ']',
  Semicolon: ';',
  Quote: "'",
  Backquote: '`',
  Backslash: '\\',
  Comma: ',',
  Period: '.',
  Slash: '/',
};

/** A key by its place stands for what a US keyboard has there; the machine's own layout decides what it typed. */
function textOf(code: string, held: ReadonlySet<string>): string {
  const isShifted = held.has('Shift');
  const letter = /^Key(?<letter>[A-Z])$/u.exec(code)?.groups?.['letter'];
  const plain = letter?.toLowerCase() ?? /^(?:Digit|Numpad)(?<digit>\d)$/u.exec(code)?.groups?.['digit'] ?? PLAIN[code];
  const others = ['Control', 'Alt', 'Meta'].filter((name) => held.has(name));
  if (others.length > 0) return `[${[...others, ...(isShifted ? ['Shift'] : []), plain ?? code].join(' ')}]`;
  if (letter !== undefined) return isShifted ? letter : letter.toLowerCase();
  if (plain === undefined) return `[${code}]`;
  return isShifted && plain !== ' ' ? `[Shift ${plain}]` : plain;
}

/** Lines end with Enter and with a pause. */
export function keyLines(strokes: readonly Stroke[]): readonly KeyLine[] {
  const lines: KeyLine[] = [];
  const held = new Set<string>();
  let lastMs = -Infinity;
  let isEnded = true;
  for (const stroke of strokes) {
    const meaning = meaningOfKey(stroke);
    const holds = 'code' in meaning ? HELD.exec(meaning.code)?.groups?.['name'] : undefined;
    if (holds !== undefined) {
      if (stroke.isDown) held.add(holds);
      else held.delete(holds);
      continue;
    }
    if (!stroke.isDown) continue;
    const text = 'character' in meaning ? meaning.character : textOf(meaning.code, held);
    const last = lines.at(-1);
    if (last === undefined || isEnded || stroke.atMs - lastMs > PAUSE_MS || last.text.length >= MOST_LINE)
      lines.push({ atMs: stroke.atMs, text });
    else lines[lines.length - 1] = { ...last, text: last.text + text };
    isEnded = 'code' in meaning && /^(?:Numpad)?Enter$/u.test(meaning.code);
    lastMs = stroke.atMs;
  }
  return lines;
}
