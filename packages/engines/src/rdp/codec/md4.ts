import { viewOf } from './bytes.ts';

const ORDER = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
] as const;
const SHIFT = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
] as const;
const ADD = [0, 0x5a82_7999, 0x6ed9_eba1] as const;

/** RFC 1320. Broken as a hash; NTLM is built on it and the platform's library no longer offers it. */
export function md4(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(((message.length + 8) >> 6) * 64 + 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = viewOf(padded);
  view.setUint32(padded.length - 8, (message.length * 8) >>> 0, true);
  const state = [0x6745_2301, 0xefcd_ab89 | 0, 0x98ba_dcfe | 0, 0x1032_5476];
  for (let block = 0; block < padded.length; block += 64) {
    let [a = 0, b = 0, c = 0, d = 0] = state;
    for (let round = 0; round < 3; round++) {
      for (let step = 0; step < 16; step++) {
        const word = view.getInt32(block + 4 * (ORDER[round]?.[step] ?? 0), true);
        const mixed = round === 0 ? (b & c) | (~b & d) : round === 1 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
        const sum = (a + mixed + word + (ADD[round] ?? 0)) | 0;
        const shift = SHIFT[round]?.[step % 4] ?? 0;
        [a, d, c, b] = [d, c, b, (sum << shift) | (sum >>> (32 - shift))];
      }
    }
    for (const [index, value] of [a, b, c, d].entries()) state[index] = ((state[index] ?? 0) + value) | 0;
  }
  const out = new Uint8Array(16);
  for (const [index, value] of state.entries()) viewOf(out).setInt32(index * 4, value, true);
  return out;
}
