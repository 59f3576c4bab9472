import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SecretBytes } from '@enchilada/core/credential';

const STEP_MS = 30_000;
const DIGITS = 6;
/** Steps before and after the present one that are taken too: clocks differ (RFC 6238 section 5.2). */
const TOLERATED_STEPS = 1;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** RFC 4648 section 6, without padding. */
export function toBase32(bytes: Uint8Array): string {
  let out = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += BASE32[(held >> bits) & 31] ?? '';
    }
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? out : out + (BASE32[(held << (5 - bits)) & 31] ?? '');
}

/** HOTP (RFC 4226 section 5.3) of a time step. */
export function codeAt(seed: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', seed).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** DIGITS).padStart(DIGITS, '0');
}

export function stepAt(now: number): number {
  return Math.floor(now / STEP_MS);
}

/** The steps near `now` whose code it is, newest first. Whether one was used already is the caller's to decide. */
export function matchingSteps(seed: SecretBytes, code: string, now: number): readonly number[] {
  const typed = Buffer.from(code);
  const steps: number[] = [];
  for (let step = stepAt(now) + TOLERATED_STEPS; step >= stepAt(now) - TOLERATED_STEPS; step--) {
    const right = Buffer.from(codeAt(seed.reveal(), step));
    if (typed.length === right.length && timingSafeEqual(typed, right)) steps.push(step);
  }
  return steps;
}

/** What authenticator apps read from the picture. */
export function totpUri(seed: Uint8Array, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  return `otpauth://totp/${label}?secret=${toBase32(seed)}&issuer=${encodeURIComponent(issuer)}&algorithm=SHA1&digits=${DIGITS}&period=${STEP_MS / 1000}`;
}
