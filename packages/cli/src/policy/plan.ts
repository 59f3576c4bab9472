import { createHash } from 'node:crypto';
import { effectBetween } from '@enchilada/core/access';
import type { LivePolicy } from './live-policy.ts';
import { Names } from './names.ts';
import { planGrants } from './plan-grants.ts';
import { planGroups, planTargetGroups } from './plan-groups.ts';
import { planRules } from './plan-rules.ts';
import { planTargets } from './plan-targets.ts';
import type { PolicyFile } from './policy-file.ts';
import { Draft, PHASES, type Run, type Step } from './step.ts';
import type { FileProblem } from './yaml-place.ts';

export interface Planned {
  readonly steps: readonly Step[];
  /** What exists and is not in the file. */
  readonly drift: readonly Step[];
  readonly notes?: readonly string[];
}

interface EffectSide {
  readonly people: number;
  readonly machines: number;
}

export interface PlanEffect {
  readonly gain: EffectSide;
  readonly lose: EffectSide;
  readonly people: readonly { readonly username: string; readonly gained: number; readonly lost: number }[];
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Left alone; empty where it is pruned, and then among the steps. */
  readonly drift: readonly Step[];
  readonly notes: readonly string[];
  readonly problems: readonly FileProblem[];
  readonly effect: PlanEffect;
  /** The same for the same changes. */
  readonly fingerprint: string;
}

export interface PlanOptions {
  readonly prune: boolean;
  readonly now: number;
}

export function planPolicy(policy: PolicyFile, live: LivePolicy, { prune, now }: PlanOptions): Plan {
  const names = new Names(policy, live);
  const parts: readonly Planned[] = [
    planGroups(policy, live, names),
    planTargetGroups(policy, live),
    planTargets(policy, live, names),
    planGrants(policy, live, { names, now }),
    planRules(policy, live, { names, prune }),
  ];
  const drift = parts.flatMap((part) => part.drift);
  const steps = [...parts.flatMap((part) => part.steps), ...(prune ? drift : [])];
  const draft = new Draft(live);
  const before = draft.state();
  for (const step of steps) step.imagine(draft);
  const effects = effectBetween(before, draft.state(), now);
  const usernames = new Map(live.users.map(({ id, username }) => [id, username]));
  const all = [...effects.values()];
  const side = (which: 'gained' | 'lost'): EffectSide => ({
    people: all.filter((effect) => effect[which].length > 0).length,
    machines: new Set(all.flatMap((effect) => effect[which])).size,
  });
  const facts = steps.map(({ act, kind, name, details }) => [act, kind, name, details]);
  return {
    steps,
    drift: prune ? [] : drift,
    notes: parts.flatMap((part) => part.notes ?? []),
    problems: names.problems.toSorted((a, b) => a.line - b.line),
    effect: {
      gain: side('gained'),
      lose: side('lost'),
      people: [...effects]
        .map(([id, { gained, lost }]) => ({
          username: usernames.get(id) ?? id,
          gained: gained.length,
          lost: lost.length,
        }))
        .sort((a, b) => (a.username < b.username ? -1 : 1)),
    },
    fingerprint: createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16),
  };
}

export interface Stop {
  readonly step: Step;
  readonly failure: unknown;
}

/** Carries the plan out. Undefined when all is done. */
export async function carryOut(plan: Plan, run: Run): Promise<Stop | undefined> {
  const acts = plan.steps.flatMap((step) => step.acts.map((act) => ({ step, act })));
  for (const phase of PHASES)
    for (const { step, act } of acts.filter((one) => one.act.phase === phase))
      try {
        await act.run(run);
      } catch (failure) {
        return { step, failure };
      }
  return undefined;
}
