import RFB from '@novnc/novnc';
import type { ScaleMode } from '../../session/desktop/desktop-choices.ts';
import type { KeptRoom } from '../shared/kept-room.ts';
import { Zoom } from '../shared/zoom.ts';

/** noVNC with a third way to scale. What it reaches into is noVNC's own and held by a test in the browser; the version is exact. */
export class RfbClient extends RFB {
  #mode: ScaleMode = 'fit';
  /** What it has beside a keyboard on the screen. */
  room: KeptRoom | undefined;
  readonly zoom = new Zoom({
    frame: this._screen,
    picture: this._canvas,
    layOut: () => {
      this._updateScale();
    },
  });

  setScale(mode: ScaleMode): void {
    if (mode !== this.#mode) this.zoom.reset();
    this.#mode = mode;
    this.clipViewport = false;
    this.scaleViewport = mode === 'fit';
    this._updateScale();
  }

  protected override _updateScale(): void {
    super._updateScale();
    // One pixel of the machine for one of the screen, however dense the screen is.
    if (this.#mode === 'device') this._display.scale = 1 / devicePixelRatio;
    if (this.zoom.factor > 1) this._display.scale *= this.zoom.factor;
  }

  /** How large a desktop must be to fill its frame; noVNC knows the page's pixels only. */
  protected override _screenSize(): { w: number; h: number } {
    const own = super._screenSize();
    const { width: w, height: h } = this.room?.kept ?? { width: own.w, height: own.h };
    const density = this.#mode === 'device' ? devicePixelRatio : 1;
    return { w: w * density, h: h * density };
  }

  /** Fills the room that it has now, or shows the place in it where the person pointed last. */
  takeRoom(): void {
    this._updateScale();
    this._requestRemoteResize();
    this.room?.reveal(this._screen, this._canvas);
  }

  /** Bytes that were received and wait for their turn: pictures are decoded one after the other. */
  get unshownBytes(): number {
    return this._sock._rQlen - this._sock._rQi;
  }

  /** Whether a picture is still being decoded. */
  get isDrawing(): boolean {
    return this._flushing || this._display.pending();
  }

  /** Resolves when what waits has been drawn; the next picture may already be on its way. */
  async drawn(): Promise<void> {
    await this._display.flush();
    // noVNC goes on by itself once its own promise has resolved.
    await new Promise((resolve) => setTimeout(resolve));
  }

  get desktopSize(): { readonly width: number; readonly height: number } {
    return { width: this._fbWidth, height: this._fbHeight };
  }
}
