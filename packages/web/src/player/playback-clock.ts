export const SPEEDS = [0.5, 1, 2, 4, 8, 16] as const;

export interface Pace {
  readonly speed: number;
  readonly skipIdle: boolean;
}

/** A pause longer than this is shortened to `IDLE_KEPT_MS` where idle time is skipped. */
export const IDLE_AFTER_MS = 2000;
const IDLE_KEPT_MS = 300;

/** Where playback stands after some real time. `nextAt` is the time of the next event, undefined where none is left. */
export function advance(
  position: number,
  elapsedMs: number,
  course: Pace & { readonly nextAt: number | undefined; readonly durationMs: number },
): number {
  const moved = Math.min(course.durationMs, position + elapsedMs * course.speed);
  if (!course.skipIdle) return moved;
  const resumeAt = (course.nextAt ?? course.durationMs) - IDLE_KEPT_MS * course.speed;
  return (course.nextAt ?? course.durationMs) - position > IDLE_AFTER_MS ? Math.max(moved, resumeAt) : moved;
}

/** `1:02:03`, `2:03`: hours only where there are any. */
export function clockText(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
  const hours = Math.floor(seconds / 3600);
  const [minutes = 0, rest = 0] = parts;
  return `${hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}` : minutes}:${String(rest).padStart(2, '0')}`;
}
