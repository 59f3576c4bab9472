import type { Grant } from '@enchilada/core/access';
import type { AuditEvent } from '@enchilada/core/audit';
import type { StoreTransaction } from '@enchilada/core/store';
import { ruleOf } from '../discovery/rule-grants.ts';

const DETAIL_MAX = 2_000;

export type By = Pick<AuditEvent, 'actor' | 'address' | 'reason'>;

/** What is audited of a grant that comes or goes: enough to tell afterwards who could reach what. */
export function grantEvent(
  action: 'grant.created' | 'grant.deleted',
  { id, subject, scope, actions, effect, conditions, ...grant }: Grant,
  by: By,
): AuditEvent {
  const rule = ruleOf({ scope });
  return {
    ...{ action, ...by, object: { kind: 'grant', id }, outcome: 'success' },
    detail: {
      subject: `${subject.kind}:${subject.id}`,
      scope: JSON.stringify(scope).slice(0, DETAIL_MAX),
      actions: actions.join(' '),
      effect: effect ?? 'allow',
      ...(conditions === undefined ? {} : { conditions: JSON.stringify(conditions).slice(0, DETAIL_MAX) }),
      ...(rule === undefined ? {} : { rule }),
      ...(action === 'grant.deleted' ? { createdAt: grant.createdAt, createdBy: grant.createdBy } : {}),
    },
  };
}

/** Takes away the grants that go with their subject or their scope, which the database would take silently. */
export async function deleteGrantsOf(
  { grants }: StoreTransaction,
  isConcerned: (grant: Grant) => boolean,
): Promise<readonly Grant[]> {
  const gone = (await grants.list()).filter(isConcerned);
  for (const { id } of gone) await grants.delete(id);
  return gone;
}

export function withdrawnEvents(grants: readonly Grant[], by: By): readonly AuditEvent[] {
  return grants.map((grant) => grantEvent('grant.deleted', grant, by));
}
