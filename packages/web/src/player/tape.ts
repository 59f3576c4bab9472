import type { TimedRecordingEvent } from '@enchilada/core/recording';

export interface Mark {
  readonly atMs: number;
  readonly kind: 'input' | 'resize' | 'viewer' | 'marker' | 'gap' | 'file';
  readonly label: string;
}

const BUCKETS = 240;

/** The events of a recording as far as they have arrived, in order of time. */
export class Tape {
  readonly events: TimedRecordingEvent[] = [];
  readonly marks: Mark[] = [];
  #durationMs = 0;

  get durationMs(): number {
    return this.#durationMs;
  }

  add(events: readonly TimedRecordingEvent[]): void {
    for (const timed of events) {
      this.events.push(timed);
      const atMs = timed.atUs / 1000;
      this.#durationMs = Math.max(this.#durationMs, atMs);
      const mark = markOf(timed, atMs);
      const last = this.marks.at(-1);
      if (mark !== undefined && !(mark.kind === 'input' && last?.kind === 'input' && atMs - last.atMs < 1000))
        this.marks.push(mark);
    }
  }

  /** Index of the first event later than the time; the events before it have happened. */
  indexAfter(atMs: number): number {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.events[middle]?.atUs ?? 0) / 1000 <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** When the event at the index happens; undefined behind the last. */
  timeOf(index: number): number | undefined {
    const event = this.events[index];
    return event === undefined ? undefined : event.atUs / 1000;
  }

  /** Output for each part of the time line, 0 to 1, on a scale that shows a keystroke beside a flood. */
  activity(): readonly number[] {
    const sums = new Array<number>(BUCKETS).fill(0);
    for (const { atUs, event } of this.events) {
      if (event.kind !== 'output') continue;
      const bucket = Math.min(BUCKETS - 1, Math.floor((atUs / 1000 / Math.max(1, this.#durationMs)) * BUCKETS));
      sums[bucket] = (sums[bucket] ?? 0) + event.bytes.length;
    }
    const top = Math.log1p(Math.max(1, ...sums));
    return sums.map((sum) => Math.log1p(sum) / top);
  }
}

function markOf({ event }: TimedRecordingEvent, atMs: number): Mark | undefined {
  switch (event.kind) {
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
      return undefined;
  }
}
