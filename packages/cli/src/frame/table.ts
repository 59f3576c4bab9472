import { escapeText } from '@enchilada/core/text';

const GAP = '  ';

function width(text: string): number {
  return Array.from(text).length;
}

/** Columns set flush, the cells escaped before they are measured. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
): readonly string[] {
  const cells = [
    heads.map((head) => head.toUpperCase()),
    ...rows.map((row) => row.map((cell) => escapeText(String(cell ?? '')))),
  ];
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => width(row[column] ?? ''))));
  return cells.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join(GAP)
      .trimEnd(),
  );
}

export function when(time: number | undefined): string {
  return time === undefined
    ? ''
    : new Date(time)
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/u, 'Z');
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
