import { joinBytes } from './bytes.ts';

/** The little of DER (X.690) that CredSSP and RDCleanPath are made of. */
export interface DerValue {
  readonly tag: number;
  readonly value: Uint8Array;
  /** Offset behind it. */
  readonly end: number;
}

const LONGEST = 16 * 1024 * 1024;

/** The value at the offset; undefined where more bytes are needed; null where these bytes are no DER. */
export function readDer(bytes: Uint8Array, at = 0): DerValue | undefined | null {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) return undefined;
  let length = first;
  let head = 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) return null;
    if (bytes.length < at + 2 + count) return undefined;
    length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + (bytes[at + 2 + index] ?? 0);
    head += count;
  }
  if (length > LONGEST) return null;
  const end = at + head + length;
  return bytes.length < end ? undefined : { tag, value: bytes.subarray(at + head, end), end };
}

/** What a constructed value holds; what comes behind something broken is left out. */
export function derChildren(bytes: Uint8Array): readonly DerValue[] {
  const out: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const child = readDer(bytes, at);
    if (child === undefined || child === null) break;
    out.push(child);
    at = child.end;
  }
  return out;
}

/** The one value inside an EXPLICIT tag. */
export function derInner({ value }: DerValue): DerValue | undefined {
  return readDer(value) ?? undefined;
}

/** An INTEGER of at most 32 bits, as it stands. */
export function derNumber(value: Uint8Array): number {
  return value.slice(-4).reduce((sum, byte) => sum * 256 + byte, 0);
}

function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  if (length < 0x100) return Uint8Array.of(0x81, length);
  if (length < 0x1_0000) return Uint8Array.of(0x82, length >> 8, length & 0xff);
  return Uint8Array.of(0x83, length >> 16, (length >> 8) & 0xff, length & 0xff);
}

export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const value = joinBytes(...parts);
  return joinBytes(Uint8Array.of(tag), lengthOf(value.length), value);
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => der(0x30, ...parts);
export const octets = (bytes: Uint8Array): Uint8Array => der(0x04, bytes);
export const explicit = (number: number, inner: Uint8Array): Uint8Array => der(0xa0 | number, inner);
export const utf8String = (text: string): Uint8Array => der(0x0c, new TextEncoder().encode(text));

export function integer(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0 || bytes.length === 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  if ((bytes[0] ?? 0) >= 0x80) bytes.unshift(0);
  return der(0x02, Uint8Array.from(bytes));
}
