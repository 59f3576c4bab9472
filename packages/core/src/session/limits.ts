export interface SessionLimits {
  /** A session without input from its person ends after this. */
  readonly idleMs: number;
  readonly maximumMs: number;
  /** How long a session waits for its person to come back. */
  readonly graceMs: number;
  /** How long a question to the person stays open. */
  readonly promptMs: number;
  /** Unanswered output of a viewer's socket after which the viewer, not the session, is closed. */
  readonly stallMs: number;
  /** How much output a session without any viewer may send to the recorder before the target is paused. */
  readonly unwatchedBytes: number;
  /** How many may look on at one session at once, besides whoever controls it. */
  readonly watchers: number;
  /** A node that could not read the database for this long cannot hear of withdrawn rights: it ends what it holds. */
  readonly staleViewMs: number;
}

export const DEFAULT_SESSION_LIMITS: SessionLimits = {
  idleMs: 60 * 60_000,
  maximumMs: 12 * 3_600_000,
  graceMs: 5 * 60_000,
  promptMs: 120_000,
  stallMs: 60_000,
  unwatchedBytes: 64 * 1024 * 1024,
  watchers: 50,
  staleViewMs: 5 * 60_000,
};

/** A source is paused above so much that its viewer's network has not taken (T42): each viewer that stalls holds it in memory. */
export const VIEWER_PAUSE_ABOVE_BYTES = 512 * 1024;
/** A source is paused above so much that the recorder has not accepted: twice as long a way is half as many stops. */
export const RECORDER_PAUSE_ABOVE_BYTES = 1024 * 1024;
/** A source that was paused for either goes on below this. */
export const RESUME_BELOW_BYTES = 256 * 1024;
