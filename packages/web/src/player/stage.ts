import type { TimedRecordingEvent } from '@enchilada/core/recording';
import type { Base } from './recording-index.ts';

/** The decoder gave up on what was recorded: nothing of it is drawn from here on. */
export class StageFailure extends Error {
  /** Whether nothing is drawn any more in this document, whatever else is played. */
  readonly isFinal: boolean;

  constructor(cause: unknown, { isFinal = false } = {}) {
    super('the decoder gave up on what was recorded', { cause });
    this.name = 'StageFailure';
    this.isFinal = isFinal;
  }
}

/** What a recording is played on; each surface has one. */
export interface Stage extends Disposable {
  /** True where each picture needs all before it, from the last fresh start of a decoder on. */
  readonly isDecoder: boolean;
  /** Whether it is behind with drawing; playback waits for it. */
  readonly busy: boolean;
  /** What a decoder draws on, once there is a picture. */
  readonly picture?: HTMLCanvasElement | undefined;
  /** Whether sound is heard, where there is any: it is at its own pace only, and not on the way to a moment. */
  audible?: boolean;
  /** As the base says. */
  restart(base: Base): void;
  /**
   * Shows the events, in order. Resolves once others may follow.
   * @throws StageFailure, or what its decoder throws
   */
  draw(events: readonly TimedRecordingEvent[]): Promise<void>;
  /**
   * Resolves once everything that was drawn can be seen.
   * @throws StageFailure
   */
  flush(): Promise<void>;
}
