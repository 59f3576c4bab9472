import { usage } from './exit-code.ts';

const MINUTE = 60_000;
const UNITS: Readonly<Record<string, number>> = { m: MINUTE, h: 60 * MINUTE, d: 24 * 60 * MINUTE };

/** What `--for` says, in milliseconds. @throws CommandFailure 2 */
export function spanOf(text: string): number {
  const [, count = '', unit = ''] = /^([1-9]\d{0,4})([mhd])$/u.exec(text) ?? [];
  const ms = UNITS[unit];
  if (ms === undefined) throw usage(`--for must be like 30m, 2h or 1d, received ${JSON.stringify(text)}`);
  return Number(count) * ms;
}
