import { PLACED_BY_TAG, TAG_PREFIX } from '../discovery/labels.ts';
import type { GroupId, UserId } from '../identity/index.ts';
import type { Target, TargetGroup, TargetGroupId } from '../target/index.ts';
import type { Grant, GrantAction, GrantScope } from './grant.ts';

/** The person's side of a decision. */
export interface AccessView {
  readonly userId: UserId;
  readonly groupIds: readonly GroupId[];
  readonly grants: readonly Grant[];
}

type Placed = Pick<Target, 'id' | 'groupId' | 'labels' | 'goneAt'>;

/** The group and its ancestors, nearest first. A loop in the data ends the walk. */
export function groupAncestors(
  groups: ReadonlyMap<TargetGroupId, TargetGroup>,
  start: TargetGroupId | undefined,
): readonly TargetGroupId[] {
  const path: TargetGroupId[] = [];
  for (let id = start; id !== undefined && !path.includes(id); id = groups.get(id)?.parentId) path.push(id);
  return path;
}

function covers(scope: GrantScope, target: Placed, ancestors: readonly TargetGroupId[]): boolean {
  switch (scope.kind) {
    case 'all':
      return true;
    case 'target':
      return scope.id === target.id;
    // A machine that somebody's tag moved into a group is shown there, and gets no rights from it.
    case 'target-group':
      return ancestors.includes(scope.id) && !Object.hasOwn(target.labels, PLACED_BY_TAG);
    case 'labels': {
      const wanted = Object.entries(scope.selector);
      return (
        wanted.length > 0 &&
        wanted.every(
          ([key, values]) =>
            !key.startsWith(TAG_PREFIX) &&
            Object.hasOwn(target.labels, key) &&
            values.includes(target.labels[key] ?? ''),
        )
      );
    }
  }
}

/**
 * The one policy function: which actions the person may take on the target. Deny by default.
 * REST, WebSocket upgrades, search, counts and downloads all ask here.
 */
export function allowedActions(
  view: AccessView,
  target: Placed,
  ancestors: readonly TargetGroupId[],
): ReadonlySet<GrantAction> {
  const allowed = new Set<GrantAction>();
  if (target.goneAt !== undefined) return allowed;
  for (const grant of view.grants) {
    const { subject } = grant;
    const applies = subject.kind === 'user' ? subject.id === view.userId : view.groupIds.includes(subject.id);
    if (applies && covers(grant.scope, target, ancestors)) for (const action of grant.actions) allowed.add(action);
  }
  return allowed;
}
