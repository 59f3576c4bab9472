import type { AccessExplanation, TargetAccess } from '@enchilada/contract';
import {
  allowedActions,
  explainAccess,
  type FactorLevel,
  type GrantAction,
  type GrantFinding,
  groupAncestors,
  permissionsOf,
} from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { User } from '@enchilada/core/identity';
import type { Target } from '@enchilada/core/target';
import { type JudgedMachine, pastMoment, type PolicyMoment, presentMoment } from '../access/policy-moment.ts';
import { grantsBySubject, isConditional, obstaclesOf } from '../access/reach.ts';
import type { Handlers } from '../http/context.ts';
import { isRecordExempt, passesToOpen, proofOf } from '@enchilada/core/session';
import { sha256Hex } from '../requests/access-requests.ts';
import type { ApiParts } from './api-parts.ts';
import { grantViews } from './grant-view.ts';

type ExplainHandlers = Pick<Handlers, 'explainAccess' | 'listTargetAccess' | 'explainOwnAccess'>;

export function explainHandlers(parts: ApiParts): ExplainHandlers {
  const { store, catalog, clock, factors, logins, settings } = parts;

  async function momentOf(at: number | undefined): Promise<PolicyMoment> {
    if (at !== undefined) return pastMoment(store, at);
    return presentMoment(store, {
      now: clock.now(),
      machineGroups: async () => (await catalog.snapshot()).groups,
    });
  }

  async function machineOf(moment: PolicyMoment, id: string): Promise<JudgedMachine> {
    return (await moment.machine(id)) ?? missing();
  }

  async function factorsLacked(
    user: User,
    target: Target,
    findings: readonly GrantFinding[],
  ): Promise<AccessExplanation['obstacles']> {
    const asked = factorAsked(findings);
    const asksFactor = asked !== undefined || target.proofMinutes !== undefined || (await logins.isDemandedOf(user));
    const held = asksFactor ? await factors.listOf(user.id) : [];
    if (asksFactor && held.length === 0) return ['second-factor'];
    return asked === 'passkey' && !held.some(({ kind }) => kind === 'passkey') ? ['passkey'] : [];
  }

  /** Of second factors no history is kept: whether one was missing is told of the present alone. */
  async function factorsLackedNow(
    userId: string,
    targetId: string,
    findings: readonly GrantFinding[],
  ): Promise<AccessExplanation['obstacles']> {
    const [user, target] = await Promise.all([store.now.users.find(userId), store.now.catalog.findTarget(targetId)]);
    return user === undefined || target === undefined ? [] : factorsLacked(user, target, findings);
  }

  /** A leave to go unrecorded that nothing comes of. */
  async function recordedAllTheSame(
    targetId: string,
    actions: ReadonlySet<GrantAction>,
  ): Promise<AccessExplanation['obstacles']> {
    if (!actions.has('record-exempt')) return [];
    const target = await store.now.catalog.findTarget(targetId);
    const isEffective = settings.allowsExempt && target !== undefined && isRecordExempt({ actions, target });
    return isEffective ? [] : ['recorded-all-the-same'];
  }

  return {
    explainAccess: async (_context, { query }) => {
      const moment = await momentOf(query.at);
      const [user, target] = await Promise.all([moment.person(query.userId), machineOf(moment, query.targetId)]);
      if (user === undefined) return missing();
      const groupIds = await moment.groupsOf(user.id);
      const grants = await moment.grantsFor(user.id, groupIds);
      const passes = await moment.passes(user.id, grants);
      const circumstances = moment.circumstances(query.address);
      const view = { userId: user.id, groupIds, grants: [...grants, ...passes], circumstances };
      const ancestors = groupAncestors(await moment.machineGroups(), target.groupId);
      const findings = explainAccess(view, target, ancestors);
      const obstacles: AccessExplanation['obstacles'] = obstaclesOf(user, target);
      if (query.at === undefined) obstacles.push(...(await factorsLackedNow(user.id, target.id, findings)));
      const actions = allowedActions(view, target, ancestors);
      if (query.at === undefined) obstacles.push(...(await recordedAllTheSame(target.id, actions)));
      return {
        targetId: target.id,
        targetName: target.name,
        userId: user.id,
        username: user.username,
        actions: [...actions],
        findings: await findingViews(moment, findings),
        obstacles,
      };
    },

    /** Everybody whom any grant lets do anything with the machine, at any time, or at the moment that is asked for. */
    listTargetAccess: async (_context, { params, query }): Promise<TargetAccess> => {
      const moment = await momentOf(query.at);
      const target = await machineOf(moment, params.id);
      const [people, grants, groups] = await Promise.all([moment.people(), moment.grants(), moment.machineGroups()]);
      const memberships = await moment.memberships(grants);
      const ancestors = groupAncestors(groups, target.groupId);
      const circumstances = moment.circumstances(undefined);
      const byPerson = grantsBySubject(grants);
      return {
        items: people.flatMap((user) => {
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
              conditional: giving.every((finding) => isConditional(finding, circumstances.isMoment === true)),
            },
          ];
        }),
      };
    },

    explainOwnAccess: async (context, { params }) => {
      const { identity, address } = context;
      const visible = (await catalog.visibleTo(identity)).find(({ target }) => target.id === params.id);
      if (visible === undefined) {
        if ((await store.now.catalog.findTarget(params.id)) === undefined) return missing();
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
      const actions = allowedActions(view, visible.target, ancestors);
      return {
        actions: [...actions],
        unmet: [...new Set(findings.filter(({ grant }) => grant.effect !== 'deny').flatMap(({ unmet }) => [...unmet]))],
        obstacles: [
          ...obstaclesOf(identity.user, visible.target),
          ...(await factorsLacked(identity.user, visible.target, findings)),
          ...(await recordedAllTheSame(visible.target.id, actions)),
        ],
      };
    },
  };
}

/** What every grant that lets the person connect, or look where none does, asks of their login; undefined where one asks for nothing. */
function factorAsked(findings: readonly GrantFinding[]): FactorLevel | undefined {
  const open = findings.filter(
    ({ grant, unmet }) => grant.effect !== 'deny' && unmet.every((one) => one === 'second-factor'),
  );
  const by = (action: GrantAction) => open.filter(({ grant }) => grant.actions.includes(action));
  const connecting = by('connect');
  const levels = (connecting.length > 0 ? connecting : by('view-only')).map(
    ({ grant }) => grant.conditions?.secondFactor?.level,
  );
  if (levels.length === 0 || levels.includes(undefined)) return undefined;
  return levels.includes('any') ? 'any' : 'passkey';
}

function missing(): never {
  throw new Fault('NOT_FOUND', 'there is no such object');
}

async function findingViews(
  moment: PolicyMoment,
  findings: readonly GrantFinding[],
): Promise<AccessExplanation['findings']> {
  const views = await grantViews(
    moment.names,
    findings.map(({ grant }) => grant),
  );
  return findings.flatMap(({ counts, unmet }, index) => {
    const grant = views[index];
    return grant === undefined ? [] : [{ grant, counts, unmet: [...unmet] }];
  });
}
