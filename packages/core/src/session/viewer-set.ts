import type { RelayRecording } from './relay-recording.ts';
import type { SessionEvent } from './session-event.ts';
import type { Viewer } from './viewer.ts';

/** Who looks at a session, at most one of them in control. Their coming and going is recorded, and each is told who else is there. */
export class ViewerSet {
  readonly #recording: Pick<RelayRecording, 'note'>;
  readonly #viewers = new Set<Viewer>();

  constructor(recording: Pick<RelayRecording, 'note'>) {
    this.#recording = recording;
  }

  get all(): ReadonlySet<Viewer> {
    return this.#viewers;
  }

  get controller(): Viewer | undefined {
    for (const viewer of this.#viewers) if (viewer.identity.mode === 'control') return viewer;
    return undefined;
  }

  /** Whoever controls takes the place of who did, who is told and leaves. */
  join(viewer: Viewer, leave: (before: Viewer) => void): void {
    if (viewer.identity.mode === 'control') {
      const before = this.controller;
      if (before !== undefined) {
        // A page that was merely cut off would come back, and take the place from whoever has it now.
        before.end({ type: 'ended', reason: 'VIEWER_REPLACED', fault: { code: 'VIEWER_REPLACED', facts: {} } });
        leave(before);
        before.close();
      }
    }
    this.#viewers.add(viewer);
    this.#record('join', viewer);
    this.#announce();
  }

  /** Idempotent. Answers whether the viewer was there. */
  leave(viewer: Viewer): boolean {
    if (!this.#viewers.delete(viewer)) return false;
    this.#record('leave', viewer);
    this.#announce();
    return true;
  }

  /** Whether the viewer is there and may type. */
  controls(viewer: Viewer): boolean {
    return viewer.identity.mode === 'control' && this.#viewers.has(viewer);
  }

  tell(event: SessionEvent): void {
    for (const viewer of this.#viewers) viewer.control.send(event);
  }

  /** Those whose network has taken nothing since before `sinceMs`. */
  stalled(sinceMs: number): readonly Viewer[] {
    return [...this.#viewers].filter(({ stalledSince }) => stalledSince !== undefined && stalledSince < sinceMs);
  }

  #announce(): void {
    const viewers = [...this.#viewers].map(({ identity }) => ({ user: identity.username, mode: identity.mode }));
    this.tell({ type: 'watched', viewers });
  }

  #record(kind: 'join' | 'leave', { identity }: Viewer): void {
    this.#recording.note({ kind, viewer: identity.id, user: identity.username, mode: identity.mode });
  }
}
