/** The pointer as the machine wants it seen. */
export type Pointer =
  | { readonly kind: 'default' }
  | { readonly kind: 'hidden' }
  | {
      readonly kind: 'picture';
      readonly width: number;
      readonly height: number;
      /** The hot spot, in pixels of the picture. */
      readonly x: number;
      readonly y: number;
      /** Red, green, blue and opacity of each pixel, from the top. */
      readonly rgba: Uint8ClampedArray<ArrayBuffer>;
    };

/** Of `updateCode`. [MS-RDPBCGR] 2.2.9.1.2.1 */
const UPDATE = { hidden: 5, default: 6, color: 9, cached: 10, new: 11, large: 12 } as const;
/** [MS-RDPBCGR] 2.2.7.2.7: the side of a large pointer. */
const LARGEST = 384;
const MOST_CACHED = 256;
const HIDDEN: Pointer = { kind: 'hidden' };

interface Masks {
  readonly bits: number;
  readonly width: number;
  readonly height: number;
  readonly xor: Uint8Array;
  readonly and: Uint8Array;
}

/**
 * Finds the machine's pointers in what it sends: IronRDP's decoder for browsers passes over them (`enable_server_pointer` is off in
 * it). Fast-path alone, and whole updates alone; what is cut short or lies is no pointer. [MS-RDPBCGR] 2.2.9.1.2
 */
export class PointerUpdates {
  readonly #cache = new Map<number, Pointer>();

  /** The last pointer that a message tells of, which holds whole PDUs. */
  read(message: Uint8Array): Pointer | undefined {
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    let last: Pointer | undefined;
    for (let at = 0; at + 4 <= view.byteLength;) {
      const isFastPath = (view.getUint8(at) & 3) === 0;
      const isLong = (view.getUint8(at + 1) & 0x80) !== 0;
      const length = !isFastPath
        ? view.getUint16(at + 2)
        : isLong
          ? view.getUint16(at + 1) & 0x7fff
          : view.getUint8(at + 1);
      if (length < 4 || at + length > view.byteLength) return last;
      if (isFastPath) last = this.#readUpdates(message.subarray(at + (isLong ? 3 : 2), at + length)) ?? last;
      at += length;
    }
    return last;
  }

  #readUpdates(updates: Uint8Array): Pointer | undefined {
    let last: Pointer | undefined;
    for (let at = 0; at + 3 <= updates.length;) {
      const header = updates[at] ?? 0;
      // Fragments and compressed updates are no pointers' business.
      if (header >> 6 !== 0) return last;
      const size = (updates[at + 1] ?? 0) | ((updates[at + 2] ?? 0) << 8);
      const data = updates.subarray(at + 3, at + 3 + size);
      if (data.length === size && (header & 0x30) === 0) last = this.#pointer(header & 0x0f, data) ?? last;
      at += 3 + size;
    }
    return last;
  }

  #pointer(code: number, data: Uint8Array): Pointer | undefined {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    switch (code) {
      case UPDATE.hidden:
        return HIDDEN;
      case UPDATE.default:
        return { kind: 'default' };
      case UPDATE.cached:
        return view.byteLength < 2 ? undefined : this.#cache.get(view.getUint16(0, true));
      case UPDATE.color:
        return this.#shape(view, { bits: 24, at: 0, lengthBytes: 2 });
      case UPDATE.new:
      case UPDATE.large:
        if (view.byteLength < 2) return undefined;
        return this.#shape(view, {
          bits: view.getUint16(0, true),
          at: 2,
          lengthBytes: code === UPDATE.large ? 4 : 2,
        });
      default:
        return undefined;
    }
  }

  /** [MS-RDPBCGR] 2.2.9.1.1.4.4, 2.2.9.1.1.4.5 and 2.2.9.1.2.1.11 */
  #shape(view: DataView, { bits, at, lengthBytes }: Readonly<Record<'bits' | 'at' | 'lengthBytes', number>>) {
    const masksAt = at + 10 + 2 * lengthBytes;
    if (view.byteLength < masksAt) return undefined;
    const [index = 0, x = 0, y = 0, width = 0, height = 0] = [0, 2, 4, 6, 8].map((step) =>
      view.getUint16(at + step, true),
    );
    const lengthAt = (place: number): number =>
      lengthBytes === 4 ? view.getUint32(place, true) : view.getUint16(place, true);
    const [andLength, xorLength] = [lengthAt(at + 10), lengthAt(at + 10 + lengthBytes)];
    if (width > LARGEST || height > LARGEST || masksAt + xorLength + andLength > view.byteLength) return undefined;
    const masks = new Uint8Array(view.buffer, view.byteOffset + masksAt, xorLength + andLength);
    const rgba = drawn({ bits, width, height, xor: masks.subarray(0, xorLength), and: masks.subarray(xorLength) });
    if (rgba === undefined) return undefined;
    const isSeen = rgba.some((value, place) => place % 4 === 3 && value !== 0);
    const pointer: Pointer = isSeen ? { kind: 'picture', width, height, x, y, rgba } : HIDDEN;
    if (index < MOST_CACHED) this.#cache.set(index, pointer);
    return pointer;
  }
}

/** Undefined for colours that are not spoken, and for masks that are too short. */
function drawn({ bits, width, height, xor, and }: Masks): Uint8ClampedArray<ArrayBuffer> | undefined {
  if (![1, 16, 24, 32].includes(bits)) return undefined;
  // Rows are padded to two bytes.
  const [xorRow, andRow] = [((width * bits + 15) >> 4) * 2, ((width + 15) >> 4) * 2];
  if (xor.length < xorRow * height || (bits !== 32 && and.length < andRow * height)) return undefined;
  const rgba = new Uint8ClampedArray(width * height * 4);
  const hasOpacity = bits === 32 && xor.some((value, place) => place % 4 === 3 && value !== 0);
  for (let y = 0; y < height; y += 1) {
    // Of one bit they begin at the top, as FreeRDP has it; all others at the bottom.
    const row = bits === 1 ? y : height - 1 - y;
    for (let x = 0; x < width; x += 1) {
      const [red, green, blue, opacity] = colourAt(xor.subarray(row * xorRow, (row + 1) * xorRow), x, bits);
      const at = (y * width + x) * 4;
      const isMasked = bitAt(and, row * andRow * 8 + x);
      if (hasOpacity) rgba.set([red, green, blue, opacity], at);
      else if (!isMasked) rgba.set([red, green, blue, 255], at);
      // What turns the colours of the screen is told by neither: every other pixel is black, as FreeRDP shows it.
      else if (red + green + blue > 0) rgba.set((x + y) % 2 === 0 ? [0, 0, 0, 255] : [255, 255, 255, 255], at);
    }
  }
  return rgba;
}

function bitAt(bytes: Uint8Array, bit: number): boolean {
  return (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
}

/** Red, green, blue, opacity: 0 to 255. */
function colourAt(row: Uint8Array, x: number, bits: number): readonly [number, number, number, number] {
  if (bits === 1) {
    const value = bitAt(row, x) ? 255 : 0;
    return [value, value, value, 255];
  }
  const at = (x * bits) / 8;
  const [first = 0, second = 0, third = 0, fourth = 0] = row.subarray(at, at + 4);
  if (bits !== 16) return [third, second, first, fourth];
  const value = first | (second << 8);
  const wide = (part: number, most: number): number => Math.round((part * 255) / most);
  return [wide(value >> 11, 31), wide((value >> 5) & 63, 63), wide(value & 31, 31), 255];
}
