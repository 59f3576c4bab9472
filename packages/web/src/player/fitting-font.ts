export interface Grid {
  readonly columns: number;
  readonly rows: number;
}

export interface Room {
  readonly width: number;
  readonly height: number;
}

/** The cell of a character grid at a font size, in CSS pixels. */
export type MeasureCell = (fontSize: number) => Room;

export const LARGEST_FONT = 18;
const SMALLEST_FONT = 6;
const STEP = 0.5;

/** The largest font at which the whole grid fits; the smallest there is where none does, and the screen scrolls. */
export function fittingFont(grid: Grid, room: Room, measure: MeasureCell): number {
  for (let size = LARGEST_FONT; size > SMALLEST_FONT; size -= STEP) {
    const cell = measure(size);
    if (cell.width * grid.columns <= room.width && cell.height * grid.rows <= room.height) return size;
  }
  return SMALLEST_FONT;
}

/**
 * Measures as xterm.js 6 does: the text metrics of `W`, the height rounded up to device pixels before the line height counts.
 * Its WebGL renderer rounds the width down, so that a grid is never wider than this says.
 */
export function cellMeasure(fontFamily: string, lineHeight: number): MeasureCell {
  const context = document.createElement('canvas').getContext('2d');
  return (fontSize) => {
    if (context === null) return { width: fontSize * 0.61, height: fontSize * 1.2 * lineHeight };
    context.font = `${fontSize}px ${fontFamily}`;
    const { width, fontBoundingBoxAscent, fontBoundingBoxDescent } = context.measureText('W');
    const pixels = Math.ceil(Math.ceil(fontBoundingBoxAscent + fontBoundingBoxDescent) * devicePixelRatio);
    return { width, height: Math.floor(pixels * lineHeight) / devicePixelRatio };
  };
}
