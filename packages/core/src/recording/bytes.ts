const encoder = new TextEncoder();
const HEX = '0123456789abcdef';

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

export function toHex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += HEX.charAt(byte >>> 4) + HEX.charAt(byte & 15);
  return out;
}

/** Undefined for anything but lower-case hex of exactly `length` bytes, or of any length where none is given. */
export function fromHex(text: unknown, length?: number): Uint8Array<ArrayBuffer> | undefined {
  if (typeof text !== 'string' || !/^(?:[0-9a-f]{2})*$/.test(text)) return undefined;
  if (length !== undefined && text.length !== 2 * length) return undefined;
  const out = new Uint8Array(text.length / 2);
  for (let index = 0; index < out.length; index++)
    out[index] = Number.parseInt(text.slice(2 * index, 2 * index + 2), 16);
  return out;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
