import type { Grant } from '@enchilada/core/access';
import type { AuditEvent } from '@enchilada/core/audit';
import type { StoreTransaction } from '@enchilada/core/store';
import { grantName, namesIn } from '../api/grant-view.ts';
import { ruleOf } from '../discovery/rule-grants.ts';

const DETAIL_MAX = 2_000;
const NAME_MAX = 300;

export type By = Pick<AuditEvent, 'actor' | 'address' | 'reason'>;

/** A grant, and in a few words who may reach what by it: read while both are still there. */
export interface NamedGrant {
  readonly grant: Grant;
  readonly name: string;
}

export function named(
  tables: Pick<StoreTransaction, 'users' | 'groups' | 'catalog'>,
  grants: readonly Grant[],
): Promise<readonly NamedGrant[]> {
  const names = namesIn(tables);
  return Promise.all(
    grants.map(async (grant) => ({ grant, name: (await grantName(names, grant)).slice(0, NAME_MAX) })),
  );
}

/** What is audited of a grant that comes or goes: enough to tell afterwards who could reach what. */
export function grantEvent(
  action: 'grant.created' | 'grant.deleted',
  { grant: { id, subject, scope, actions, effect, conditions, ...grant }, name }: NamedGrant,
  by: By,
): AuditEvent {
  const rule = ruleOf({ scope });
  return {
    ...{ action, ...by, object: { kind: 'grant', id, name }, outcome: 'success' },
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
  tx: StoreTransaction,
  isConcerned: (grant: Grant) => boolean,
): Promise<readonly NamedGrant[]> {
  const gone = await named(tx, (await tx.grants.list()).filter(isConcerned));
  for (const { grant } of gone) await tx.grants.delete(grant.id);
  return gone;
}

export function withdrawnEvents(grants: readonly NamedGrant[], by: By): readonly AuditEvent[] {
  return grants.map((grant) => grantEvent('grant.deleted', grant, by));
}
