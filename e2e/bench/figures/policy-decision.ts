import { allowedActions, type Grant, groupAncestors } from '@enchilada/core/access';
import type { Experiment } from '../figure.ts';
import { largePolicy, numbers, PEOPLE, TARGETS, userId } from '../large-policy.ts';
import { median, percentile, rounded } from '../measure.ts';

const WARM_UP = 5_000;
const DECISIONS = 20_000;

export const policyDecision: Experiment = {
  figures: ['policy-decision-ms'],
  run() {
    const { targets, targetGroups, grants, membership } = largePolicy();
    const groups = new Map(targetGroups.map((group) => [group.id, group]));
    const bySubject = new Map<string, Grant[]>();
    for (const grant of grants) bySubject.set(grant.subject.id, [...(bySubject.get(grant.subject.id) ?? []), grant]);
    const next = numbers(7);
    const took: number[] = [];
    const held: number[] = [];
    let allowed = 0;
    for (let count = -WARM_UP; count < DECISIONS; count += 1) {
      const person = next(PEOPLE);
      const target = targets[next(TARGETS)];
      const groupIds = membership[person] ?? [];
      const own = [userId(person), ...groupIds].flatMap((id) => bySubject.get(id) ?? []);
      if (target === undefined) continue;
      const circumstances = { now: 1_800_000_000_000 + count * 1_000, address: '10.1.2.3' };
      const since = performance.now();
      const ancestors = groupAncestors(groups, target.groupId);
      const actions = allowedActions(
        { userId: userId(person), groupIds, grants: own, circumstances },
        target,
        ancestors,
      );
      const ms = performance.now() - since;
      if (count < 0) continue;
      took.push(ms);
      held.push(own.length);
      if (actions.size > 0) allowed += 1;
    }
    return Promise.resolve([
      {
        id: 'policy-decision-ms' as const,
        value: percentile(took, 0.95),
        how: `what one of ${PEOPLE} people may do with one of ${TARGETS} machines now and from here, ${grants.length} grants in all, of which the database hands over those of the person (${median(held)} in the median): ancestors, conditions, selectors and denials from nothing, ${DECISIONS} decisions after ${WARM_UP}, ${allowed} of them a yes; 95th percentile; median ${median(took).toFixed(4)} ms`,
        samples: {
          ours: rounded(
            took.filter((_, index) => index % 20 === 0),
            4,
          ),
        },
      },
    ]);
  },
};
