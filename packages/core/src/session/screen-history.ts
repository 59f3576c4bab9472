import type { DisplaySize, SurfaceKind } from '../engine/index.ts';

/** What a session has shown, bounded, so that a viewer who comes late sees the present screen and its scrollback. */
export interface ScreenHistory extends AsyncDisposable {
  /** Cheap and synchronous; copies what it keeps. */
  append(bytes: Uint8Array): void;
  resize(size: DisplaySize): void;
  /** Frames that bring a fresh surface to the state after everything appended before this call. */
  snapshot(): Promise<Uint8Array>;
  /** Called now and then while nothing happens: the moment to give memory back. */
  settle(): void;
}

/** Undefined for surfaces whose late viewers are served by the target itself. */
export type ScreenHistories = (surface: SurfaceKind, size: DisplaySize) => ScreenHistory | undefined;
