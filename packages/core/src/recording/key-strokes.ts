import { Fault } from '../fault/index.ts';

/** A key as a desktop's protocol names it: its place on the keyboard (scan code of set 1; 0xe000 and 0xe100 mark what is prefixed), a UTF-16 unit, or an X keysym. */
export interface KeyStroke {
  readonly code: 'scancode' | 'character' | 'keysym';
  readonly value: number;
  readonly isDown: boolean;
}

/** With how long before the sealing it was pressed. */
export interface PastKeyStroke extends KeyStroke {
  readonly agoMs: number;
}

/**
 * What is sealed together: a stroke is 1 byte (bits 0–1 the code from 1, bit 2 down), 4 bytes of value and 2 of milliseconds ago, big endian.
 * Zeros fill the last block, so that how much was typed shows in coarse steps only.
 */
const STROKE_BYTES = 7;
const BLOCK_BYTES = 448;
const CODES = ['scancode', 'character', 'keysym'] as const;
const DOWN = 4;

export function encodeStrokes(strokes: readonly PastKeyStroke[]): Uint8Array<ArrayBuffer> {
  const blocks = Math.max(1, Math.ceil((strokes.length * STROKE_BYTES) / BLOCK_BYTES));
  const bytes = new Uint8Array(blocks * BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, value, isDown, agoMs }] of strokes.entries()) {
    const at = index * STROKE_BYTES;
    view.setUint8(at, (CODES.indexOf(code) + 1) | (isDown ? DOWN : 0));
    view.setUint32(at + 1, value);
    view.setUint16(at + 5, Math.min(0xffff, Math.max(0, Math.round(agoMs))));
  }
  return bytes;
}

/** @throws Fault RECORDING_DAMAGED */
export function decodeStrokes(bytes: Uint8Array): readonly PastKeyStroke[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const strokes: PastKeyStroke[] = [];
  for (let at = 0; at + STROKE_BYTES <= bytes.length; at += STROKE_BYTES) {
    const flags = view.getUint8(at);
    if (flags === 0) break;
    const code = CODES[(flags & 3) - 1];
    if (code === undefined || flags > (DOWN | 3))
      throw new Fault('RECORDING_DAMAGED', `a key stroke of kind ${flags} is unknown`);
    strokes.push({
      code,
      value: view.getUint32(at + 1),
      isDown: (flags & DOWN) !== 0,
      agoMs: view.getUint16(at + 5),
    });
  }
  return strokes;
}

/** What binds a sealed batch to its recording and its place. */
export function sealedStrokesContext(recording: string, sequence: number): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`enchilada-keys ${recording} ${sequence}`);
}

/** INVARIANT: the key seals nothing else, and no sequence twice. */
export function sealedStrokesNonce(sequence: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, BigInt(sequence));
  return nonce;
}
