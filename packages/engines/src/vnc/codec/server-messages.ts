import { isFramed } from './encodings.ts';
import { carriesText, isAboutText, isOfText, parseCutText, type CutText } from './cut-text.ts';
import { hextileTile } from './hextile.ts';
import { rectangleBody } from './rectangle.ts';
import type { RfbState } from './rfb-state.ts';
import { ENCODING, SERVER, checkedSize, joinBytes, violation, viewOf } from './wire.ts';

export interface ServerPolicy {
  /** Whether the person may take the machine's clipboard. */
  readonly copy: boolean;
}

export interface ServerEvents {
  /** Bytes for the viewer. They are the caller's own chunk, or a copy. */
  pass(bytes: Uint8Array): void;
  /** A message of the clipboard for the viewer, whole, in its turn among what passes. */
  aside(message: Uint8Array): void;
  /** Content of the machine's clipboard passed. */
  cutText(message: CutText): void;
  /** Text was brought or announced that policy withholds from the viewer. */
  denied(): void;
}

const MOST_CUT_TEXT = 16 * 1024 * 1024;
const MOST_NAME = 64 * 1024;
const LAST_RECTANGLE = 0xffff;

type Rectangle = {
  readonly width: number;
  readonly height: number;
  readonly encoding: number;
  readonly x: number;
  readonly y: number;
};

/**
 * Finds the messages in what a server sends (RFC 6143 section 7.6). Pixels are skipped by their length and never decoded.
 * Everything passes as it came, but for clipboards that policy withholds.
 */
export class ServerMessages {
  readonly #state: RfbState;
  readonly #policy: ServerPolicy;
  readonly #events: ServerEvents;
  /** The start of something whose length is not known yet. */
  #head: Uint8Array | undefined;
  #skip = 0;
  #rectangles = 0;
  #rectangle: Rectangle | undefined;
  /** The next tile of a Hextile rectangle. */
  #tile: number | undefined;
  #cutText: { readonly length: number; left: number; readonly parts: Uint8Array[] } | undefined;

  constructor(state: RfbState, policy: ServerPolicy, events: ServerEvents) {
    this.#state = state;
    this.#policy = policy;
    this.#events = events;
  }

  /** @throws Fault TARGET_PROTOCOL_VIOLATION */
  push(chunk: Uint8Array): void {
    const bytes = this.#head === undefined ? chunk : joinBytes([this.#head, chunk]);
    this.#head = undefined;
    const view = viewOf(bytes);
    let at = 0;
    /** Start of what passes but was not handed on yet. */
    let from = 0;
    while (at < bytes.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, bytes.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      if (this.#cutText !== undefined) {
        at = this.#collect(bytes, at);
        from = at;
        continue;
      }
      const isCutText = this.#rectangle === undefined && this.#rectangles === 0 && bytes[at] === SERVER.serverCutText;
      if (isCutText && at > from) {
        this.#events.pass(bytes.subarray(from, at));
        from = at;
      }
      const next = this.#parse(view, at);
      if (next === undefined) {
        this.#head = bytes.slice(at);
        break;
      }
      at = next;
      if (isCutText) from = at;
    }
    const end = this.#head === undefined ? at : bytes.length - this.#head.length;
    if (end > from) this.#events.pass(bytes.subarray(from, end));
  }

  /** The offset behind what was understood; undefined where more bytes are needed first. */
  #parse(view: DataView, at: number): number | undefined {
    if (this.#rectangle !== undefined) return this.#parseBody(this.#rectangle, view, at);
    if (this.#rectangles > 0) return this.#parseRectangle(view, at);
    const room = view.byteLength - at;
    const type = view.getUint8(at);
    switch (type) {
      case SERVER.framebufferUpdate:
        if (room < 4) return undefined;
        this.#rectangles = view.getUint16(at + 2);
        return at + 4;
      case SERVER.setColourMapEntries:
        if (room < 6) return undefined;
        this.#skip = 6 * view.getUint16(at + 4);
        return at + 6;
      case SERVER.bell:
      case SERVER.endOfContinuousUpdates:
        return at + 1;
      case SERVER.serverCutText: {
        if (room < 8) return undefined;
        const length = view.getInt32(at + 4);
        const size = Math.abs(length);
        if (size > MOST_CUT_TEXT) throw violation(`a clipboard of ${size} bytes`);
        this.#cutText = { length, left: size, parts: [] };
        if (size === 0) this.#deliverCutText(this.#cutText);
        return at + 8;
      }
      case SERVER.fence: {
        if (room < 9) return undefined;
        const length = view.getUint8(at + 8);
        if (length > 64) throw violation(`a fence of ${length} bytes`);
        this.#skip = length;
        return at + 9;
      }
      case SERVER.xvp:
        return room < 4 ? undefined : at + 4;
      default:
        throw violation(`message ${type} is unknown`);
    }
  }

  /** RFC 6143 section 7.6.1. */
  #parseRectangle(view: DataView, at: number): number | undefined {
    if (view.byteLength - at < 12) return undefined;
    const [x, y, width, height] = [
      view.getUint16(at),
      view.getUint16(at + 2),
      view.getUint16(at + 4),
      view.getUint16(at + 6),
    ];
    const encoding = view.getInt32(at + 8);
    const behind = at + 12;
    switch (encoding) {
      case ENCODING.lastRect:
        this.#rectangles = 0;
        return behind;
      case ENCODING.desktopSize:
        this.#state.size = checkedSize(width, height);
        break;
      case ENCODING.qemuExtendedKey:
        break;
      case ENCODING.extendedMouseButtons:
        this.#state.extendedMouseButtons = true;
        break;
      default:
        if (!isFramed(encoding)) throw violation(`encoding ${encoding} was not asked for`);
        this.#rectangle = { x, y, width, height, encoding };
        if (encoding === ENCODING.hextile) this.#tile = 0;
        if (encoding >= 0 && encoding !== ENCODING.vmwareCursor) this.#checkPlace(this.#rectangle);
        return behind;
    }
    this.#countDown();
    return behind;
  }

  #checkPlace({ x, y, width, height }: Rectangle): void {
    const { size } = this.#state;
    if (x + width > size.width || y + height > size.height)
      throw violation(
        `a rectangle of ${width} × ${height} at ${x}, ${y} outside a desktop of ${size.width} × ${size.height}`,
      );
  }

  #parseBody(rectangle: Rectangle, view: DataView, at: number): number | undefined {
    const { encoding } = rectangle;
    const { format } = this.#state;
    if (encoding === ENCODING.hextile) return this.#parseTiles(rectangle, view, at);
    if (encoding === ENCODING.desktopName) {
      if (view.byteLength - at < 4) return undefined;
      const length = view.getUint32(at);
      if (length > MOST_NAME) throw violation(`a name of ${length} bytes`);
      return this.#finish(at, 4, length);
    }
    if (encoding === ENCODING.extendedDesktopSize) {
      if (view.byteLength - at < 4) return undefined;
      // A refusal of what this viewer asked for leaves the size as it is.
      const refused = rectangle.x === 1 && rectangle.y !== 0;
      if (!refused) this.#state.size = checkedSize(rectangle.width, rectangle.height);
      this.#state.extendedDesktopSize = true;
      return this.#finish(at, 4, 16 * view.getUint8(at));
    }
    const body = rectangleBody(rectangle, format, { view, at });
    return body === undefined ? undefined : this.#finish(at, 0, body);
  }

  #parseTiles({ width, height }: Rectangle, view: DataView, at: number): number | undefined {
    const across = Math.ceil(width / 16);
    const tiles = across * Math.ceil(height / 16);
    const tile = this.#tile ?? 0;
    if (tile >= tiles) return this.#finish(at, 0, 0);
    const size = {
      width: Math.min(16, width - (tile % across) * 16),
      height: Math.min(16, height - Math.floor(tile / across) * 16),
    };
    const length = hextileTile(size, this.#state.format, { view, at });
    if (length === undefined) return undefined;
    this.#tile = tile + 1;
    this.#skip = length;
    if (tile + 1 === tiles) this.#end();
    return at;
  }

  /** The rectangle ends `body` bytes behind its own head. */
  #finish(at: number, head: number, body: number): number {
    this.#skip = body;
    this.#end();
    return at + head;
  }

  #end(): void {
    this.#rectangle = undefined;
    this.#tile = undefined;
    this.#countDown();
  }

  #countDown(): void {
    // 65,535 rectangles mean: until LastRect.
    if (this.#rectangles !== LAST_RECTANGLE) this.#rectangles -= 1;
  }

  #collect(bytes: Uint8Array, at: number): number {
    const cutText = this.#cutText;
    if (cutText === undefined) return at;
    const part = bytes.slice(at, at + cutText.left);
    cutText.parts.push(part);
    cutText.left -= part.length;
    if (cutText.left === 0) this.#deliverCutText(cutText);
    return at + part.length;
  }

  #deliverCutText({ length, parts }: { readonly length: number; readonly parts: readonly Uint8Array[] }): void {
    this.#cutText = undefined;
    const body = joinBytes(parts);
    const message = parseCutText(length, body);
    if (message === undefined) throw violation('an extended clipboard without its flags');
    const carries = carriesText(message);
    if (carries && !this.#policy.copy) {
      if (isAboutText(message)) this.#events.denied();
      return;
    }
    if (!isOfText(message)) return;
    const head = new Uint8Array(8);
    head[0] = SERVER.serverCutText;
    viewOf(head).setInt32(4, length);
    if (carries) this.#events.cutText(message);
    this.#events.aside(joinBytes([head, body]));
  }
}
