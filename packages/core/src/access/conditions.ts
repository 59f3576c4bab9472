import type { FactorProof } from '../identity/index.ts';
import { parseAddress, parseCidr } from './egress.ts';
import type { FactorCondition, GrantConditions, TimeWindow } from './grant.ts';

/** What a login has proved, and how old that is for the question at hand. */
export interface LoginProof {
  readonly factor: FactorProof | undefined;
  readonly ageMs: number;
}

/** When and from where somebody asks. */
export interface Circumstances {
  readonly now: number;
  /** Undefined where it is asked what there is at all, and not what may be done now: then times and networks are left out of account. */
  readonly address: string | undefined;
  /** One of them is enough. Absent where no login is judged: then what it must have proved is left out of account. */
  readonly proofs?: readonly LoginProof[];
  /** It is asked what there was at that very moment, from wherever: times are judged without an address too. */
  readonly isMoment?: boolean;
}

/** Somebody stands at the machine's door with a login. */
export interface Presence extends Circumstances {
  readonly proofs: readonly LoginProof[];
}

export const UNMET_CONDITIONS = ['times', 'networks', 'over', 'approval', 'second-factor'] as const;
export type UnmetCondition = (typeof UNMET_CONDITIONS)[number];

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const MINUTES_A_DAY = 24 * 60;
const MOST_ZONES = 100;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  if (formats.size >= MOST_ZONES) formats.clear();
  formats.set(zone, format);
  return format;
}

export function isTimeZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** `HH:MM` as minutes of the day; `24:00` is its end. */
export function minutesOf(text: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/u.exec(text);
  if (match !== null) return Number(match[1]) * 60 + Number(match[2]);
  return text === '24:00' ? MINUTES_A_DAY : undefined;
}

function isWithin(window: TimeWindow, day: number, minute: number): boolean {
  const from = minutesOf(window.from);
  const to = minutesOf(window.to);
  if (from === undefined || to === undefined) return false;
  if (from < to) return window.days.includes(day) && minute >= from && minute < to;
  const before = day === 1 ? 7 : day - 1;
  return (window.days.includes(day) && minute >= from) || (window.days.includes(before) && minute < to);
}

type Times = NonNullable<GrantConditions['times']>;

interface WallClock {
  readonly day: number;
  readonly minute: number;
}

/** Grants of one decision ask for the same minute in the same zones again and again. */
const wallClocks = new Map<string, WallClock>();
let knownMinute = Number.NaN;

/** What the zone's wall shows, whatever its rules for summer are. */
function wallClock(zone: string, now: number): WallClock {
  const minute = Math.floor(now / 60_000);
  if (minute !== knownMinute || wallClocks.size >= MOST_ZONES) wallClocks.clear();
  knownMinute = minute;
  const before = wallClocks.get(zone);
  if (before !== undefined) return before;
  const read = readWallClock(zone, now);
  wallClocks.set(zone, read);
  return read;
}

function readWallClock(zone: string, now: number): WallClock {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(now)
      .map(({ type, value }) => [type, value]),
  );
  const day = DAYS.indexOf(parts.get('weekday') ?? '') + 1;
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

function isTime({ zone, windows }: Times, now: number): boolean {
  if (!isTimeZone(zone)) return false;
  const { day, minute } = wallClock(zone, now);
  return windows.some((window) => isWithin(window, day, minute));
}

const QUARTER_MS = 15 * 60_000;

/** A later moment, at which the answer for the times may be another one; before it, it is the same. */
function nextEdge({ zone, windows }: Times, now: number): number {
  const { minute } = wallClock(zone, now);
  const untilEdge = windows
    .flatMap(({ from, to }) => [minutesOf(from) ?? 0, minutesOf(to) ?? 0])
    .map((edge) => (edge - minute + MINUTES_A_DAY) % MINUTES_A_DAY || MINUTES_A_DAY);
  // Clocks go forward and back on quarters of an hour, so none is passed over.
  return Math.min(now - (now % 60_000) + Math.min(...untilEdge) * 60_000, now - (now % QUARTER_MS) + QUARTER_MS);
}

/** When the conditions are to be judged anew for the sake of time alone; Infinity for never. */
export function nextLook({ times, notAfter }: GrantConditions, now: number): number {
  const edge = times === undefined || !isTimeZone(times.zone) ? Infinity : nextEdge(times, now);
  return notAfter === undefined || notAfter <= now ? edge : Math.min(edge, notAfter);
}

function isFrom(networks: readonly string[], address: string): boolean {
  const bare = address.replace(/^::ffff:(?=\d+\.)/iu, '').split('%')[0] ?? '';
  const bytes = parseAddress(bare);
  if (bytes === undefined) return false;
  return networks.some((network) => {
    const block = parseCidr(network);
    if (block === undefined || block.bytes.length !== bytes.length) return false;
    for (let bit = 0; bit < block.bits; bit++) {
      const mask = 0x80 >> (bit & 7);
      if (((bytes[bit >> 3] ?? 0) & mask) !== ((block.bytes[bit >> 3] ?? 0) & mask)) return false;
    }
    return true;
  });
}

export function isProved({ level, minutes = Infinity }: FactorCondition, proofs: readonly LoginProof[]): boolean {
  return proofs.some(
    ({ factor, ageMs }) =>
      factor !== undefined && (level === 'any' || factor === 'passkey') && ageMs <= minutes * 60_000,
  );
}

/** Those that do not hold. INVARIANT: one that cannot be judged does not hold. */
export function unmetConditions(
  conditions: GrantConditions | undefined,
  { now, address, proofs, isMoment }: Circumstances,
): readonly UnmetCondition[] {
  if (conditions === undefined) return [];
  const { times, networks, notAfter, approval, secondFactor } = conditions;
  const unmet: UnmetCondition[] = [];
  if (notAfter !== undefined && now >= notAfter) unmet.push('over');
  if (secondFactor !== undefined && proofs !== undefined && !isProved(secondFactor, proofs))
    unmet.push('second-factor');
  if (address === undefined && isMoment !== true) return unmet;
  if (times !== undefined && !isTime(times, now)) unmet.push('times');
  if (address === undefined) return unmet;
  if (networks !== undefined && !isFrom(networks, address)) unmet.push('networks');
  if (approval !== undefined) unmet.push('approval');
  return unmet;
}

/** A denial whose times or networks cannot be judged denies. */
export function isReadable({ times, networks }: GrantConditions): boolean {
  const zone = times === undefined || isTimeZone(times.zone);
  return zone && (networks ?? []).every((network) => parseCidr(network) !== undefined);
}
