import { ENCODING } from './wire.ts';

/** Whose lengths the gateway can find; anything else would make the stream unreadable to policy. */
const FRAMED: ReadonlySet<number> = new Set([
  ENCODING.raw,
  ENCODING.copyRect,
  ENCODING.rre,
  ENCODING.hextile,
  ENCODING.zlib,
  ENCODING.tight,
  ENCODING.tightPng,
  ENCODING.zrle,
  ENCODING.h264,
  ENCODING.cursor,
  ENCODING.vmwareCursor,
  ENCODING.desktopSize,
  ENCODING.extendedDesktopSize,
  ENCODING.lastRect,
  ENCODING.qemuExtendedKey,
  ENCODING.qemuLed,
  ENCODING.desktopName,
  ENCODING.fence,
  ENCODING.continuousUpdates,
  ENCODING.extendedMouseButtons,
  ENCODING.extendedClipboard,
]);
export function isFramed(encoding: number): boolean {
  return FRAMED.has(encoding);
}

const CURSORS: ReadonlySet<number> = new Set([ENCODING.cursor, ENCODING.vmwareCursor]);
const LOSSY: ReadonlySet<number> = new Set([ENCODING.h264]);

export interface EncodingChoice {
  /** Only these pixel encodings, or all that are known. */
  readonly only: ReadonlySet<number> | undefined;
  /** The machine draws its own pointer into the picture. */
  readonly remoteCursor: boolean;
  readonly lossless: boolean;
  readonly clipboard: boolean;
  /** 0 to 9; undefined leaves it to the viewer. */
  readonly quality: number | undefined;
  readonly compression: number | undefined;
}

function isBetween(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}

/** What of a viewer's wishes reaches the machine, in the viewer's order. */
export function chooseEncodings(wanted: readonly number[], choice: EncodingChoice): readonly number[] {
  const quality = (encoding: number): boolean => isBetween(encoding, ENCODING.quality0, ENCODING.quality9);
  const compression = (encoding: number): boolean => isBetween(encoding, ENCODING.compression0, ENCODING.compression9);
  const chosen = wanted.filter((encoding) => {
    if (quality(encoding)) return !choice.lossless && choice.quality === undefined;
    if (compression(encoding)) return choice.compression === undefined;
    if (!FRAMED.has(encoding)) return false;
    if (choice.remoteCursor && CURSORS.has(encoding)) return false;
    if (choice.lossless && LOSSY.has(encoding)) return false;
    if (!choice.clipboard && encoding === ENCODING.extendedClipboard) return false;
    // Raw is what a server may always fall back to.
    const isPixels = (encoding > 0 && encoding < 0x100) || encoding === ENCODING.tightPng;
    return !isPixels || choice.only === undefined || choice.only.has(encoding);
  });
  if (choice.quality !== undefined && !choice.lossless) chosen.push(ENCODING.quality0 + choice.quality);
  if (choice.compression !== undefined) chosen.push(ENCODING.compression0 + choice.compression);
  return chosen;
}
