import type { Pointer } from './pointer-updates.ts';

/** The pointer as a value of CSS. https://drafts.csswg.org/css-ui/#cursor */
export function pointerStyle(pointer: Pointer): string {
  if (pointer.kind === 'hidden') return 'none';
  if (pointer.kind === 'default') return 'default';
  const { width, height, x, y, rgba } = pointer;
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  canvas.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  return `url(${canvas.toDataURL('image/png')}) ${x} ${y}, default`;
}
