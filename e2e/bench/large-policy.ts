import type { Grant, GrantScope } from '@enchilada/core/access';
import type { Target, TargetGroup } from '@enchilada/core/target';

export const TARGETS = 100_000;
export const GRANTS = 10_000;
export const PEOPLE = 2_000;
const USER_GROUPS = 400;
const TARGET_GROUPS = 1_000;
const GROUPS_OF_A_PERSON = 12;
const REGIONS = ['eu-west-1', 'eu-central-1', 'us-east-1', 'ap-south-1'];
const ENVIRONMENTS = ['dev', 'test', 'stage', 'prod'];
const OWNERS = 250;

/** The same numbers in every run. Lehmer, modulus 2^31 - 1. */
export function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

export interface LargePolicy {
  readonly targets: readonly Target[];
  readonly targetGroups: readonly TargetGroup[];
  readonly grants: readonly Grant[];
  readonly userGroups: readonly string[];
  /** The groups of each person, whose number is the index. */
  readonly membership: readonly (readonly string[])[];
}

export const userId = (index: number): string => `usr_bench${index}`;

/** A company: two levels of groups of machines; grants mostly by label and mostly to groups, some with conditions, one in twenty a denial. */
export function largePolicy(): LargePolicy {
  const next = numbers(20_260);
  const targetGroups = Array.from({ length: TARGET_GROUPS }, (_, index) => ({
    id: `tgg_bench${index}`,
    name: `Group ${index}`,
    parentId: index < 50 ? undefined : `tgg_bench${index % 50}`,
  }));
  const targets = Array.from({ length: TARGETS }, (_, index): Target => ({
    id: `tgt_bench${index}`,
    name: `machine-${String(index).padStart(6, '0')}`,
    protocol: 'ssh',
    host: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
    port: 22,
    groupId: `tgg_bench${next(TARGET_GROUPS)}`,
    labels: {
      env: ENVIRONMENTS[next(4)] ?? '',
      owner: `team-${next(OWNERS)}`,
      region: REGIONS[next(4)] ?? '',
      tier: String(next(3)),
    },
    description: '',
    parameters: {},
    credentialId: undefined,
    jumpTargetId: undefined,
    hostKeyPolicy: 'ask',
    builtIn: undefined,
    goneAt: undefined,
    version: 1,
    createdAt: 0,
    updatedAt: 0,
  }));
  const userGroups = Array.from({ length: USER_GROUPS }, (_, index) => `grp_bench${index}`);
  const scopeOf = (kind: number): GrantScope => {
    if (kind < 6) {
      const env = ENVIRONMENTS.filter(() => next(2) === 0);
      return {
        kind: 'labels',
        selector: { owner: [`team-${next(OWNERS)}`], ...(env.length === 0 ? {} : { env }) },
      };
    }
    return kind < 9
      ? { kind: 'target-group', id: `tgg_bench${next(TARGET_GROUPS)}` }
      : { kind: 'target', id: `tgt_bench${next(TARGETS)}` };
  };
  const grants = Array.from({ length: GRANTS }, (_, index): Grant => ({
    id: `gra_bench${index}`,
    subject:
      next(10) === 0
        ? { kind: 'user', id: userId(next(PEOPLE)) }
        : { kind: 'group', id: userGroups[next(USER_GROUPS)] ?? '' },
    scope: scopeOf(next(10)),
    actions: ['connect', 'clipboard-in', 'file-out'],
    ...(next(20) === 0 ? { effect: 'deny' as const } : {}),
    ...(next(20) === 0
      ? {
          conditions: {
            times: { zone: 'Europe/Berlin', windows: [{ days: [1, 2, 3, 4, 5], from: '06:00', to: '20:00' }] },
          },
        }
      : {}),
    createdAt: index,
    createdBy: userId(0),
  }));
  const membership = Array.from({ length: PEOPLE }, () => [
    ...new Set(Array.from({ length: GROUPS_OF_A_PERSON }, () => userGroups[next(USER_GROUPS)] ?? '')),
  ]);
  return { targets, targetGroups, grants, userGroups, membership };
}
