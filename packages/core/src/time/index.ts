export { recur } from './recurring.ts';
/** Time as an input. `now` is for people and records, `monotonicMs` for durations. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Runs `work` once after `delayMs`; disposing cancels. */
  after(delayMs: number, work: () => void): Disposable;
  /** Runs `work` every `periodMs`, never overlapping itself if it is synchronous; disposing cancels. */
  every(periodMs: number, work: () => void): Disposable;
}

/** Chance as an input; implementations use the platform's CSPRNG. */
export interface RandomSource {
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** 128 random bits as 26 characters of lower-case base32 (RFC 4648 section 6, without padding). */
export function randomId(random: RandomSource): string {
  const bytes = random.bytes(16);
  let out = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += BASE32.charAt((value >>> bits) & 31);
    }
  }
  return out + BASE32.charAt((value << (5 - bits)) & 31);
}
