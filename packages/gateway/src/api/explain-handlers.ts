import type { AccessExplanation, TargetAccess } from '@enchilada/contract';
import {
  allowedActions,
  type Circumstances,
  explainAccess,
  type FactorLevel,
  type Grant,
  type GrantFinding,
  groupAncestors,
  permissionsOf,
} from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { User } from '@enchilada/core/identity';
import type { Target } from '@enchilada/core/target';
import type { Handlers } from '../http/context.ts';
import { passesToOpen, proofOf } from '@enchilada/core/session';
import { sha256Hex } from '../requests/access-requests.ts';
import type { ApiParts } from './api-parts.ts';
import { grantViews } from './grant-view.ts';

type ExplainHandlers = Pick<Handlers, 'explainAccess' | 'listTargetAccess' | 'explainOwnAccess'>;

export function explainHandlers(parts: ApiParts): ExplainHandlers {
  const { store, catalog, clock, factors, logins } = parts;

  async function targetOf(id: string): Promise<Target> {
    const target = await store.now.catalog.findTarget(id);
    if (target === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return target;
  }

  async function obstaclesOf(
    user: User,
    target: Target,
    findings: readonly GrantFinding[],
  ): Promise<AccessExplanation['obstacles']> {
    const obstacles: AccessExplanation['obstacles'] = [];
    if (target.goneAt !== undefined) obstacles.push('machine-gone');
    if (user.disabledAt !== undefined) obstacles.push('account-disabled');
    if (!permissionsOf(user.role).has('machine.use')) obstacles.push('no-machine-permission');
    const asked = factorAsked(findings);
    const asksFactor = asked !== undefined || target.proofMinutes !== undefined || (await logins.isDemandedOf(user));
    const held = asksFactor ? await factors.listOf(user.id) : [];
    if (asksFactor && held.length === 0) obstacles.push('second-factor');
    else if (asked === 'passkey' && !held.some(({ kind }) => kind === 'passkey')) obstacles.push('passkey');
    return obstacles;
  }

  return {
    explainAccess: async (_context, { query }) => {
      const [user, target] = await Promise.all([store.now.users.find(query.userId), targetOf(query.targetId)]);
      if (user === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
      const groupIds = await store.now.groups.groupsOf(user.id);
      const grants = await store.now.grants.listFor(user.id, groupIds);
      const { groups } = await catalog.snapshot();
      const circumstances: Circumstances = { now: clock.now(), address: query.address };
      const of = { userId: user.id, grants, now: clock.now(), digest: sha256Hex };
      const passes = await passesToOpen(store, of);
      const view = { userId: user.id, groupIds, grants: [...grants, ...passes], circumstances };
      const ancestors = groupAncestors(groups, target.groupId);
      const findings = explainAccess(view, target, ancestors);
      const views = await grantViews(
        store,
        findings.map(({ grant }) => grant),
      );
      return {
        targetId: target.id,
        targetName: target.name,
        userId: user.id,
        username: user.username,
        actions: [...allowedActions(view, target, ancestors)],
        findings: findings.flatMap(({ counts, unmet }, index) => {
          const grant = views[index];
          return grant === undefined ? [] : [{ grant, counts, unmet: [...unmet] }];
        }),
        obstacles: await obstaclesOf(user, target, findings),
      };
    },

    /** Everybody whom any grant lets do anything with the machine, now or at another time. */
    listTargetAccess: async (_context, { params }): Promise<TargetAccess> => {
      const target = await targetOf(params.id);
      const [users, grants, peopleGroups, { groups }] = await Promise.all([
        store.now.users.list(),
        store.now.grants.list(),
        store.now.groups.list(),
        catalog.snapshot(),
      ]);
      const ancestors = groupAncestors(groups, target.groupId);
      const memberships = new Map<string, string[]>();
      const named = new Set(grants.flatMap(({ subject }) => (subject.kind === 'group' ? [subject.id] : [])));
      for (const { id } of peopleGroups.filter((group) => named.has(group.id)))
        for (const userId of await store.now.groups.members(id))
          memberships.set(userId, [...(memberships.get(userId) ?? []), id]);
      const circumstances: Circumstances = { now: clock.now(), address: undefined };
      const byPerson = grantsBySubject(grants);
      return {
        items: users.flatMap((user) => {
          if (user.disabledAt !== undefined || !permissionsOf(user.role).has('machine.use')) return [];
          const groupIds = memberships.get(user.id) ?? [];
          const own = [user.id, ...groupIds].flatMap((id) => byPerson.get(id) ?? []);
          const view = { userId: user.id, groupIds, grants: own, circumstances };
          const actions = [...allowedActions(view, target, ancestors)];
          if (actions.length === 0) return [];
          const giving = explainAccess(view, target, ancestors).filter(
            ({ counts, grant }) => counts && grant.effect !== 'deny',
          );
          return [
            {
              userId: user.id,
              username: user.username,
              displayName: user.displayName,
              actions,
              grantIds: giving.map(({ grant }) => grant.id),
              conditional: giving.every(
                ({ grant: { conditions } }) =>
                  (conditions?.times ?? conditions?.networks ?? conditions?.approval) !== undefined,
              ),
            },
          ];
        }),
      };
    },

    explainOwnAccess: async (context, { params }) => {
      const { identity, address } = context;
      const visible = (await catalog.visibleTo(identity)).find(({ target }) => target.id === params.id);
      if (visible === undefined) {
        if ((await store.now.catalog.findTarget(params.id)) === undefined)
          throw new Fault('NOT_FOUND', 'there is no such object');
        return context.refuse({ kind: 'target', id: params.id });
      }
      const { groups } = await catalog.snapshot();
      const grants = await store.now.grants.listFor(identity.user.id, identity.groupIds);
      const ancestors = groupAncestors(groups, visible.target.groupId);
      const circumstances = { now: clock.now(), address, proofs: [proofOf(identity.login, clock.now())] };
      const of = { userId: identity.user.id, grants, now: clock.now(), digest: sha256Hex };
      const passes = await passesToOpen(store, of);
      const view = {
        ...{ userId: identity.user.id, groupIds: identity.groupIds, circumstances },
        grants: [...grants, ...passes],
      };
      const findings = explainAccess(view, visible.target, ancestors);
      return {
        actions: [...allowedActions(view, visible.target, ancestors)],
        unmet: [...new Set(findings.filter(({ grant }) => grant.effect !== 'deny').flatMap(({ unmet }) => [...unmet]))],
        obstacles: await obstaclesOf(identity.user, visible.target, findings),
      };
    },
  };
}

/** What every grant that lets the person connect asks of their login; undefined where one asks for nothing. */
function factorAsked(findings: readonly GrantFinding[]): FactorLevel | undefined {
  const levels = findings
    .filter(({ grant, unmet }) => grant.effect !== 'deny' && unmet.every((one) => one === 'second-factor'))
    .filter(({ grant }) => grant.actions.includes('connect'))
    .map(({ grant }) => grant.conditions?.secondFactor?.level);
  if (levels.length === 0 || levels.includes(undefined)) return undefined;
  return levels.includes('any') ? 'any' : 'passkey';
}

function grantsBySubject(grants: readonly Grant[]): ReadonlyMap<string, readonly Grant[]> {
  const found = new Map<string, Grant[]>();
  for (const grant of grants) found.set(grant.subject.id, [...(found.get(grant.subject.id) ?? []), grant]);
  return found;
}
