import type { RecordingEvent } from '@enchilada/core/recording';

/** Something beside output that happened: shown below the time line. */
export interface Mark {
  readonly atMs: number;
  readonly kind: 'input' | 'resize' | 'viewer' | 'marker' | 'gap' | 'file';
  readonly label: string;
}

export function markOf(event: RecordingEvent, atMs: number): Mark | undefined {
  switch (event.kind) {
    case 'pointer':
      return event.buttons === 0 ? undefined : { atMs, kind: 'input', label: '' };
    case 'input':
    case 'input-length':
      return { atMs, kind: 'input', label: '' };
    case 'resize':
      return { atMs, kind: 'resize', label: `${event.columns}×${event.rows}` };
    case 'join':
    case 'leave':
      return { atMs, kind: 'viewer', label: event.user };
    case 'marker':
      return { atMs, kind: 'marker', label: event.text };
    case 'gap':
      return { atMs, kind: 'gap', label: event.reason };
    case 'file':
      return { atMs, kind: 'file', label: event.name };
    case 'output':
    case 'clipboard':
    case 'segment':
    case 'preamble':
    case 'key-frame':
    case 'sealed-keys':
      return undefined;
  }
}

const SHOWN_INPUT_MARKS = 400;

/** Typing is everywhere: of many marks some stand for all. The others are all shown. */
export function thinned(marks: readonly Mark[]): readonly Mark[] {
  const every = Math.ceil(marks.filter(({ kind }) => kind === 'input').length / SHOWN_INPUT_MARKS);
  let inputs = 0;
  return marks.filter(({ kind }) => kind !== 'input' || inputs++ % Math.max(1, every) === 0);
}
