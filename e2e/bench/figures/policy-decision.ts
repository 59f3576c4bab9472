import { allowedActions, type Grant, groupAncestors } from '@enchilada/core/access';
import type { Experiment } from '../figure.ts';
import { largePolicy, numbers, PEOPLE, TARGETS, userId } from '../large-policy.ts';
import { median, percentile, rounded } from '../measure.ts';

const WARM_UP = 20;
const BATCHES = 200;
const DECISIONS = 100;

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
    for (let batch = -WARM_UP; batch < BATCHES; batch += 1) {
      const asked = Array.from({ length: DECISIONS }, () => {
        const person = next(PEOPLE);
        const groupIds = membership[person] ?? [];
        const own = [userId(person), ...groupIds].flatMap((id) => bySubject.get(id) ?? []);
        held.push(own.length);
        return { userId: userId(person), groupIds, grants: own, target: targets[next(TARGETS)] };
      });
      const before = process.cpuUsage();
      for (const [index, { target, ...view }] of asked.entries()) {
        if (target === undefined) continue;
        const now = 1_800_000_000_000 + (batch * DECISIONS + index) * 61_000;
        const ancestors = groupAncestors(groups, target.groupId);
        const circumstances = { now, address: '10.1.2.3' };
        if (allowedActions({ ...view, circumstances }, target, ancestors).size > 0) allowed += 1;
      }
      const { user, system } = process.cpuUsage(before);
      if (batch >= 0) took.push((user + system) / 1_000 / DECISIONS);
    }
    return Promise.resolve([
      {
        id: 'policy-decision-ms' as const,
        value: percentile(took, 0.95),
        how: `what one of ${PEOPLE} people may do with one of ${TARGETS} machines now and from here, ${grants.length} grants in all, of which the database hands over those of the person (${median(held)} in the median): ancestors, conditions, selectors and denials from nothing, each a minute later than the one before; CPU of ${BATCHES} batches of ${DECISIONS}, ${allowed} a yes; 95th percentile; median ${median(took).toFixed(4)} ms`,
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
