import type { DeviceLogin } from '../identity/index.ts';

export interface DeviceLoginRepository {
  /** False where `most` are kept already. */
  insert(login: DeviceLogin, most: number): Promise<boolean>;
  /** Unexpired and not decided yet. */
  findAsked(userDigest: string, now: number): Promise<DeviceLogin | undefined>;
  /** What was asked for becomes approved or denied, while unexpired, and gets another end; exactly one of many racing callers gets true. */
  decide(
    userDigest: string,
    decision: Pick<DeviceLogin, 'state' | 'loginDigest' | 'expiresAt'>,
    now: number,
  ): Promise<boolean>;
  /** Notes the poll, or, where it came before the interval was over, makes the interval `slowDownMs` longer. Undefined: there is none, or it is expired. */
  poll(
    deviceDigest: string,
    slowDownMs: number,
    now: number,
  ): Promise<{ readonly login: DeviceLogin; readonly isTooSoon: boolean } | undefined>;
  /** Deletes it if it is approved and unexpired; exactly one of many racing callers gets true. */
  redeem(deviceDigest: string, now: number): Promise<boolean>;
  deleteExpired(now: number): Promise<void>;
}
