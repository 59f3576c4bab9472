import type { GroupId, UserId } from '../identity/index.ts';
import type { AccessRequest } from './request.ts';
import type { TargetGroupId, TargetId } from '../target/index.ts';

export type GrantId = string;

/**
 * What a grant lets a person do with a machine. `view-only` opens a session of one's own that nothing is done in;
 * `watch` sees others' sessions on it, and `share` lets others see one's own. `record-exempt`: what is opened is not recorded, where the installation lets that be.
 */
export const GRANT_ACTIONS = [
  'connect',
  'view-only',
  'watch',
  'share',
  'clipboard-in',
  'clipboard-out',
  'file-in',
  'file-out',
  'record-exempt',
] as const;
export type GrantAction = (typeof GRANT_ACTIONS)[number];

/** Any of these opens a session: more of them open one that is view-only. */
export function openingActions(viewOnly: boolean): readonly GrantAction[] {
  return viewOnly ? ['connect', 'view-only'] : ['connect'];
}

/** INVARIANT: who is forbidden to open a machine may not look at it either. */
export function deniedActions(actions: readonly GrantAction[]): readonly GrantAction[] {
  return actions.includes('connect') ? [...actions, 'view-only'] : actions;
}

export type GrantSubject =
  { readonly kind: 'user'; readonly id: UserId } | { readonly kind: 'group'; readonly id: GroupId };

export type GrantScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'target'; readonly id: TargetId }
  /** The group and everything below it. */
  | { readonly kind: 'target-group'; readonly id: TargetGroupId }
  /** Every key must be present with one of its values. */
  | { readonly kind: 'labels'; readonly selector: Readonly<Record<string, readonly string[]>> };

export const GRANT_EFFECTS = ['allow', 'deny'] as const;
export type GrantEffect = (typeof GRANT_EFFECTS)[number];

/** A span of the day on some days of the week, by the clock of a place. One that ends before it begins lasts into the next day. */
export interface TimeWindow {
  /** 1 is Monday, 7 is Sunday (ISO 8601). */
  readonly days: readonly number[];
  /** `HH:MM` */
  readonly from: string;
  readonly to: string;
}

/** The rule by which a grant is asked for and agreed to, each time anew. */
export interface Approval {
  /** Whose members decide. */
  readonly groups: readonly GroupId[];
  /** How many of them must agree. */
  readonly count: number;
  /** The longest span that may be asked for. */
  readonly minutes: number;
  /** How many sessions an approval is good for; one where it is absent. */
  readonly sessions?: number;
  /** Who is in a hurry may go in at once, and everybody is told. */
  readonly breakGlass?: boolean;
}

export const FACTOR_LEVELS = ['any', 'passkey'] as const;
/** `passkey`: one that cannot be phished, and none else can; of what a provider asked for that is not known. */
export type FactorLevel = (typeof FACTOR_LEVELS)[number];

/** What the login must have proved. */
export interface FactorCondition {
  readonly level: FactorLevel;
  /** So long ago at most, when the machine is opened; absent, at any time of the login. */
  readonly minutes?: number;
}

/** All that are given must hold. */
export interface GrantConditions {
  /** At one of these times, in this zone (IANA name). */
  readonly times?: { readonly zone: string; readonly windows: readonly TimeWindow[] };
  /** From one of these networks. */
  readonly networks?: readonly string[];
  readonly notAfter?: number;
  readonly secondFactor?: FactorCondition;
  /** A session that rests on the grant lasts so long at most, from when it was asked for. */
  readonly sessionMinutes?: number;
  /** So many live sessions at once rest on the grant at most, of all its people together. */
  readonly concurrentSessions?: number;
  /** INVARIANT: a grant with this gives nothing by itself; an approved request does, and one session or as many as it is good for. */
  readonly approval?: Approval;
}

/** Who may do what on which machines (Guacamole: permission). There is no other way to a machine. */
export interface Grant {
  readonly id: GrantId;
  readonly subject: GrantSubject;
  readonly scope: GrantScope;
  readonly actions: readonly GrantAction[];
  /** Absent: allow. INVARIANT: a grant that denies wins over every one that allows. */
  readonly effect?: GrantEffect;
  readonly conditions?: GrantConditions;
  /** Made of an approved request, never stored: what also must cover a machine, and what a session uses up. */
  readonly pass?: { readonly request: AccessRequest; readonly within: GrantScope };
  readonly createdAt: number;
  readonly createdBy: UserId;
}
