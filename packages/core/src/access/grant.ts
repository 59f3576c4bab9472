import type { GroupId, UserId } from '../identity/index.ts';
import type { TargetGroupId, TargetId } from '../target/index.ts';

export type GrantId = string;

/** What a grant lets a person do with a machine. `watch` sees others' sessions on it, view-only. */
export const GRANT_ACTIONS = ['connect', 'watch', 'clipboard-in', 'clipboard-out', 'file-in', 'file-out'] as const;
export type GrantAction = (typeof GRANT_ACTIONS)[number];

export type GrantSubject =
  { readonly kind: 'user'; readonly id: UserId } | { readonly kind: 'group'; readonly id: GroupId };

export type GrantScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'target'; readonly id: TargetId }
  /** The group and everything below it. */
  | { readonly kind: 'target-group'; readonly id: TargetGroupId }
  /** Every key must be present with one of its values. */
  | { readonly kind: 'labels'; readonly selector: Readonly<Record<string, readonly string[]>> };

/** Who may do what on which machines (Guacamole: permission). There is no other way to a machine. */
export interface Grant {
  readonly id: GrantId;
  readonly subject: GrantSubject;
  readonly scope: GrantScope;
  readonly actions: readonly GrantAction[];
  readonly createdAt: number;
  readonly createdBy: UserId;
}
