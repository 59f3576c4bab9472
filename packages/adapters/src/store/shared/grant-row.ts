import type { Grant, GrantAction, GrantConditions, GrantScope } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { GrantRow } from './schema.ts';

function toScope({ id, scopeKind, targetId, targetGroupId, selector }: GrantRow): GrantScope {
  if (scopeKind === 'all') return { kind: 'all' };
  if (scopeKind === 'target' && targetId !== null) return { kind: 'target', id: targetId };
  if (scopeKind === 'target-group' && targetGroupId !== null) return { kind: 'target-group', id: targetGroupId };
  if (scopeKind === 'labels' && selector !== null)
    return { kind: 'labels', selector: JSON.parse(selector) as Record<string, string[]> };
  throw new Fault('INTERNAL', `grant ${id} has the scope ${scopeKind}, which this release does not know`);
}

export function toGrant(row: GrantRow): Grant {
  const { id, userId, groupId, actions, createdAt, createdBy } = row;
  const subject =
    userId === null ? ({ kind: 'group', id: groupId ?? '' } as const) : ({ kind: 'user', id: userId } as const);
  // INVARIANT: what this release does not know gives nothing.
  if (row.effect !== 'allow' && row.effect !== 'deny')
    throw new Fault('INTERNAL', `grant ${id} has the effect ${row.effect}, which this release does not know`);
  return {
    ...{ id, subject, scope: toScope(row), actions: JSON.parse(actions) as GrantAction[], createdAt, createdBy },
    ...(row.effect === 'deny' ? { effect: row.effect } : {}),
    ...(row.conditions === null ? {} : { conditions: JSON.parse(row.conditions) as GrantConditions }),
  };
}

export function toGrantRow({ id, subject, scope, actions, effect, conditions, createdAt, createdBy }: Grant): GrantRow {
  return {
    id,
    userId: subject.kind === 'user' ? subject.id : null,
    groupId: subject.kind === 'group' ? subject.id : null,
    scopeKind: scope.kind,
    targetId: scope.kind === 'target' ? scope.id : null,
    targetGroupId: scope.kind === 'target-group' ? scope.id : null,
    selector: scope.kind === 'labels' ? JSON.stringify(scope.selector) : null,
    effect: effect ?? 'allow',
    conditions: conditions === undefined ? null : JSON.stringify(conditions),
    actions: JSON.stringify(actions),
    createdAt,
    createdBy,
  };
}
