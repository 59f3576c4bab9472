import { allPages } from '../catalog/find.ts';
import type { Api } from '../login/client.ts';
import type { PolicyFile } from './policy-file.ts';

type ItemsOf<
  K extends 'listUsers' | 'listGroups' | 'listGrants' | 'listTargetGroups' | 'listCredentials' | 'listSources',
> = Awaited<ReturnType<Api[K]>>['items'];
export type LiveTarget = Awaited<ReturnType<Api['listTargets']>>['items'][number];
export type LiveGrant = ItemsOf<'listGrants'>[number];
export type LiveGroup = ItemsOf<'listGroups'>[number];
export type LiveRules = Awaited<ReturnType<Api['getRules']>>;

/** What the gateway holds, as far as the file and its effect ask for it. */
export interface LivePolicy {
  readonly users: ItemsOf<'listUsers'>;
  readonly groups: readonly LiveGroup[];
  readonly targetGroups: ItemsOf<'listTargetGroups'>;
  readonly targets: readonly LiveTarget[];
  readonly grants: readonly LiveGrant[];
  readonly engines: Awaited<ReturnType<Api['listEngines']>>['items'];
  readonly credentials: ItemsOf<'listCredentials'>;
  readonly sources: ItemsOf<'listSources'>;
  /** Absent where the file says nothing of rules. */
  readonly rules?: LiveRules;
}

export async function readLive(api: Api, policy: PolicyFile): Promise<LivePolicy> {
  const needsCredentials = policy.targets !== undefined || policy.rules !== undefined;
  const nothing = Promise.resolve({ items: [] });
  const [users, groups, targetGroups, targets, grants, engines, credentials, sources, rules] = await Promise.all([
    api.listUsers(),
    api.listGroups(),
    api.listTargetGroups(),
    allPages((cursor) => api.listTargets({ query: { ...cursor, limit: 500 } })),
    api.listGrants(),
    api.listEngines(),
    needsCredentials ? api.listCredentials() : nothing,
    policy.rules === undefined ? nothing : api.listSources(),
    policy.rules === undefined ? undefined : api.getRules(),
  ]);
  return {
    users: users.items,
    groups: groups.items,
    targetGroups: targetGroups.items,
    targets: targets.filter(({ builtIn }) => !builtIn),
    grants: grants.items,
    engines: engines.items,
    credentials: credentials.items,
    sources: sources.items,
    ...(rules === undefined ? {} : { rules }),
  };
}
