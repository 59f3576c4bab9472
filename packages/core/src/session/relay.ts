import type { DisplaySize, SessionEnd } from '../engine/index.ts';
import type { SessionEvent } from './session-event.ts';
import type { DataPort, Viewer } from './viewer.ts';

/** Carries bytes between a live session and its viewers; each way of serving late viewers is one. */
export interface Relay {
  readonly viewers: ReadonlySet<Viewer>;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Monotonic milliseconds when a person last did something. */
  readonly lastInputMs: number;
  /** The target's end, once what it said before is accepted and sent on. */
  readonly ended: Promise<SessionEnd>;
  /** The person did something beside the surface. */
  active(): void;
  /** A viewer's control socket is there; output follows once its data socket is. */
  join(viewer: Viewer): void;
  connectData(viewer: Viewer, data: DataPort): void;
  /** Idempotent. Answers whether a controlling viewer remains. */
  leave(viewer: Viewer): boolean;
  input(viewer: Viewer, bytes: Uint8Array): void;
  resize(viewer: Viewer, size: DisplaySize): void;
  tell(event: SessionEvent): void;
  /** Once a second. Answers the viewers whose network takes nothing any more. */
  tick(): readonly Viewer[];
  /** Stops the relay; what was accepted stays accepted. */
  close(): Promise<void>;
}
