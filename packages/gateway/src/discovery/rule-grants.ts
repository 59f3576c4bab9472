import type { Grant } from '@enchilada/core/access';
import { GRANTED_BY, type Rule } from '@enchilada/core/discovery';
import { canonicalJson } from '@enchilada/core/recording';
import type { StoreTransaction } from '@enchilada/core/store';
import { type RandomSource, randomId } from '@enchilada/core/time';

/** Whether the grant is one that a rule gives: it changes with the rule, and not by hand. */
export function ruleOf({ scope }: Pick<Grant, 'scope'>): string | undefined {
  return scope.kind === 'labels' ? scope.selector[GRANTED_BY]?.[0] : undefined;
}

interface Wanted {
  readonly rule: string;
  readonly groupId: string;
  readonly actions: Grant['actions'];
}

function keyOf({ rule, groupId, actions }: Wanted): string {
  return JSON.stringify([rule, groupId, [...actions].sort()]);
}

function wantedBy(rules: readonly Rule[]): ReadonlyMap<string, Wanted> {
  const all = rules.flatMap(({ name, enabled, outcome }) =>
    !enabled || outcome.skip === true || outcome.grants === undefined
      ? []
      : outcome.grants.groups.map((groupId) => ({ rule: name, groupId, actions: outcome.grants?.actions ?? [] })),
  );
  return new Map(all.map((wanted) => [keyOf(wanted), wanted]));
}

export interface RuleGrantChange {
  readonly added: readonly Grant[];
  /** Still there: machines first get the labels of the new rules, so that no session ends for a moment in between. */
  readonly withdrawn: readonly Grant[];
}

/** Adds the grants that rules give and are not there yet: one for each rule and group, on the label that discovery alone writes. */
export async function addRuleGrants(
  tx: StoreTransaction,
  rules: readonly Rule[],
  { now, by, random }: { readonly now: number; readonly by: string; readonly random: RandomSource },
): Promise<RuleGrantChange> {
  const wanted = new Map(wantedBy(rules));
  const withdrawn: Grant[] = [];
  for (const grant of await tx.grants.list()) {
    const rule = ruleOf(grant);
    if (rule === undefined) continue;
    const isWanted = wanted.delete(keyOf({ rule, groupId: grant.subject.id, actions: grant.actions }));
    if (!isWanted) withdrawn.push(grant);
  }
  const added = [...wanted.values()].map(({ rule, groupId, actions }): Grant => ({
    id: `gra_${randomId(random)}`,
    subject: { kind: 'group', id: groupId },
    scope: { kind: 'labels', selector: { [GRANTED_BY]: [rule] } },
    actions,
    createdAt: now,
    createdBy: by,
  }));
  for (const grant of added) await tx.grants.insert(grant);
  return { added, withdrawn };
}

/** What rules say of rights and of the machines that they are for, to tell whether a change of rules changes either. */
export function grantsIn(rules: readonly Rule[]): string {
  const giving = rules.filter(
    ({ enabled, outcome }) => enabled && outcome.skip !== true && outcome.grants !== undefined,
  );
  return canonicalJson(giving.map(({ name, match, outcome: { grants } }) => ({ name, match, grants })) as never);
}
