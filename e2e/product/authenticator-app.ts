import { createHmac } from 'node:crypto';

const STEP_MS = 30_000;

/** Somebody's authenticator app (RFC 6238), written without the product's own code. It never shows a code twice. */
export class AuthenticatorApp {
  readonly #seed: Buffer;
  #lastStep = 0;

  /** @param secret in base 32, as the product shows it */
  constructor(secret: string) {
    const bits = [...secret].map((sign) =>
      'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(sign).toString(2).padStart(5, '0'),
    );
    this.#seed = Buffer.from((bits.join('').match(/.{8}/gu) ?? []).map((byte) => Number.parseInt(byte, 2)));
  }

  /** A fresh code: the present one, or the next where that was shown already; clocks may differ by a step. */
  code(): string {
    this.#lastStep = Math.max(Math.floor(Date.now() / STEP_MS), this.#lastStep + 1);
    return this.#codeAt(this.#lastStep);
  }

  #codeAt(step: number): string {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const mac = createHmac('sha1', this.#seed).update(counter).digest();
    const at = (mac.at(-1) ?? 0) & 15;
    return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
  }
}
