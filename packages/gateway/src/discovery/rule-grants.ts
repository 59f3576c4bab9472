import type { Grant } from '@enchilada/core/access';
import { GRANTED_BY, type Rule, type SourceId, targetIdsOf } from '@enchilada/core/discovery';
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

/** Machines whose source goes are judged by no rule any more: what rules gave on them ends with it. */
export async function withdrawMarks(tx: StoreTransaction, sourceId: SourceId, now: number): Promise<void> {
  for (const scope of await tx.discovery.listScopes(sourceId)) {
    const found = await tx.discovery.listFound(sourceId, scope);
    const targets = await tx.catalog.findTargets(found.flatMap(targetIdsOf));
    const unmarked = targets.flatMap((target) => {
      const { [GRANTED_BY]: mark, ...labels } = target.labels;
      return mark === undefined ? [] : [{ ...target, labels, updatedAt: now }];
    });
    if (unmarked.length > 0) await tx.catalog.updateTargets(unmarked);
  }
}

/** The grants of rules that no rule gives any more. */
export async function staleRuleGrants(tx: StoreTransaction, rules: readonly Rule[]): Promise<readonly Grant[]> {
  const wanted = wantedBy(rules);
  return (await tx.grants.list()).filter((grant) => {
    const rule = ruleOf(grant);
    return rule !== undefined && !wanted.has(keyOf({ rule, groupId: grant.subject.id, actions: grant.actions }));
  });
}

/** Adds the grants that rules give and are not there yet: one for each rule and group, on the label that discovery alone writes. */
export async function addRuleGrants(
  tx: StoreTransaction,
  rules: readonly Rule[],
  { now, by, random }: { readonly now: number; readonly by: string; readonly random: RandomSource },
): Promise<RuleGrantChange> {
  const wanted = new Map(wantedBy(rules));
  const withdrawn = await staleRuleGrants(tx, rules);
  for (const grant of await tx.grants.list()) {
    const rule = ruleOf(grant);
    if (rule !== undefined) wanted.delete(keyOf({ rule, groupId: grant.subject.id, actions: grant.actions }));
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

export function givesRights(rules: readonly Rule[]): boolean {
  return wantedBy(rules).size > 0;
}

/** What rules say of rights and of the machines that they are for, to tell whether a change of rules changes either. */
export function grantsIn(rules: readonly Rule[]): string {
  const giving = rules.filter(
    ({ enabled, outcome }) => enabled && outcome.skip !== true && outcome.grants !== undefined,
  );
  return canonicalJson(giving.map(({ name, match, outcome: { grants } }) => ({ name, match, grants })) as never);
}
