export const DEVICE_LOGIN_STATES = ['asked', 'approved', 'denied'] as const;
export type DeviceLoginState = (typeof DEVICE_LOGIN_STATES)[number];

/** A program without a browser that asks to be signed in by somebody who has one (RFC 8628). Only digests of its codes are kept. */
export interface DeviceLogin {
  readonly deviceDigest: string;
  readonly userDigest: string;
  /** From where it was asked, and by what, as that says of itself. */
  readonly address: string;
  readonly userAgent: string;
  readonly askedAt: number;
  readonly expiresAt: number;
  readonly state: DeviceLoginState;
  /** The login that approved it. */
  readonly loginDigest: string | undefined;
  /** The least time between two polls. */
  readonly intervalMs: number;
  readonly polledAt: number;
}

/** Consonants alone: no words, and nothing that is taken for a figure. RFC 8628 section 6.1. */
export const USER_CODE_ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
export const USER_CODE_LENGTH = 8;

/** As it is compared: in capitals, without what stands between them. Undefined where it can be none. */
export function readUserCode(typed: string): string | undefined {
  const code = [...typed.toUpperCase()].filter((sign) => USER_CODE_ALPHABET.includes(sign)).join('');
  return code.length === USER_CODE_LENGTH ? code : undefined;
}

/** As it is shown: `WDJB-MJHT`. */
export function showUserCode(code: string): string {
  return `${code.slice(0, USER_CODE_LENGTH / 2)}-${code.slice(USER_CODE_LENGTH / 2)}`;
}
