import type { HostKey as HostKeyView, Target as TargetView, TargetGroup as TargetGroupView } from '@enchilada/contract';
import type { AuditEvent, AuditObject } from '@enchilada/core/audit';
import { Fault } from '@enchilada/core/fault';
import type { StoreTransaction } from '@enchilada/core/store';
import type { HostKey, Target, TargetGroup } from '@enchilada/core/target';
import { randomId } from '@enchilada/core/time';
import { deleteGrantsOf, type NamedGrant, withdrawnEvents } from '../access/grant-events.ts';
import { actorOf, eventOf, type Handlers, type SignedInContext } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { importTargets } from './import-targets.ts';
import { parsePublicKey } from './public-key.ts';
import { fieldProblems, keptLabels, referenceProblems, requireNone, weakenedBy } from './target-rules.ts';
import { requireCurrent } from './require-current.ts';

type TargetHandlers = Pick<
  Handlers,
  | 'listTargets'
  | 'createTarget'
  | 'importTargets'
  | 'getTarget'
  | 'updateTarget'
  | 'deleteTarget'
  | 'listHostKeys'
  | 'pinHostKey'
  | 'removeHostKey'
  | 'listTargetGroups'
  | 'createTargetGroup'
  | 'updateTargetGroup'
  | 'deleteTargetGroup'
  | 'createTryIt'
>;

const DEFAULT_POLICY = 'ask';

function viewOf(target: Target): TargetView {
  return {
    id: target.id,
    name: target.name,
    protocol: target.protocol,
    host: target.host,
    port: target.port,
    ...(target.groupId === undefined ? {} : { groupId: target.groupId }),
    labels: { ...target.labels },
    description: target.description,
    parameters: Object.fromEntries(
      Object.entries(target.parameters).map(([name, value]) => [name, typeof value === 'object' ? [...value] : value]),
    ),
    ...(target.credentialId === undefined ? {} : { credentialId: target.credentialId }),
    ...(target.jumpTargetId === undefined ? {} : { jumpTargetId: target.jumpTargetId }),
    ...(target.filesTargetId === undefined ? {} : { filesTargetId: target.filesTargetId }),
    hostKeyPolicy: target.hostKeyPolicy,
    ...(target.proofMinutes === undefined ? {} : { proofMinutes: target.proofMinutes }),
    builtIn: target.builtIn !== undefined,
    version: target.version,
    createdAt: target.createdAt,
    updatedAt: target.updatedAt,
  };
}

function groupView({ id, name, parentId }: TargetGroup): TargetGroupView {
  return { id, name, ...(parentId === undefined ? {} : { parentId }) };
}

async function keyView(
  { keyType, fingerprint, state, pinnedAt, pinnedBy }: HostKey,
  { users }: Pick<StoreTransaction, 'users'>,
): Promise<HostKeyView> {
  const name = (await users.find(pinnedBy))?.username;
  return { keyType, fingerprint, state, pinnedAt, pinnedBy, ...(name === undefined ? {} : { pinnedByName: name }) };
}

function objectOf({ id, name }: Pick<Target, 'id' | 'name'>): AuditObject {
  return { kind: 'target', id, name };
}

function groupObject({ id, name }: TargetGroup): AuditObject {
  return { kind: 'target-group', id, name };
}

async function removeTarget(tx: StoreTransaction, { id }: Target): Promise<readonly NamedGrant[]> {
  const grants = await deleteGrantsOf(tx, ({ scope }) => scope.kind === 'target' && scope.id === id);
  await tx.catalog.deleteTarget(id);
  return grants;
}

export function targetHandlers(parts: ApiParts): TargetHandlers {
  const { store, audit, settlements, catalog, engines, clock, random, tryIt } = parts;

  async function found<T>(value: Promise<T | undefined>): Promise<T> {
    const object = await value;
    if (object === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return object;
  }
  const recheckAll = () => store.now.commands.post({ kind: 'recheck-all' }, clock.now());

  /** Targets inside the gateway serve newcomers; with the first real machine they go (DESIGN.md, first run). */
  async function dropBuiltIn(tx: StoreTransaction): Promise<readonly AuditEvent[]> {
    const builtIn = (await tx.catalog.listTargets()).filter((target) => target.builtIn !== undefined);
    if (builtIn.length > 0) await tx.commands.post({ kind: 'recheck-all' }, clock.now());
    const by = { actor: { kind: 'system', name: parts.nodeId }, reason: 'the first real machine was added' } as const;
    const events: AuditEvent[] = [];
    for (const target of builtIn) {
      const grants = await removeTarget(tx, target);
      events.push({ action: 'target.deleted', ...by, object: objectOf(target), outcome: 'success' });
      events.push(...withdrawnEvents(grants, by));
    }
    return events;
  }
  function weakenings(context: SignedInContext, target: Target): readonly AuditEvent[] {
    return weakenedBy(engines.get(target.protocol), target).map((parameter) =>
      eventOf(context, 'weakening.enabled', { object: objectOf(target), detail: { parameter } }),
    );
  }
  async function requireGoodParent(id: string | undefined, parentId: string | undefined): Promise<void> {
    const groups = new Map((await store.now.catalog.listGroups()).map((group) => [group.id, group]));
    for (let next = parentId, steps = 0; next !== undefined; next = groups.get(next)?.parentId, steps++) {
      if (!groups.has(next)) requireNone([{ field: 'parentId', message: 'names a group that does not exist' }]);
      if (next === id || steps > 20)
        requireNone([{ field: 'parentId', message: 'would put the group into itself, or too deep' }]);
    }
  }

  return {
    listTargets: async (_context, { query }) => {
      const { items, ...page } = await catalog.search(query);
      return { ...page, items: items.map(({ target }) => viewOf(target)) };
    },

    createTarget: async (context, { body }) => {
      const now = clock.now();
      const { labels, problems } = keptLabels(body.labels ?? {});
      const target: Target = {
        id: `tgt_${randomId(random)}`,
        name: body.name,
        protocol: body.protocol,
        host: body.host,
        port: body.port ?? engines.get(body.protocol)?.defaultPort ?? 1,
        groupId: body.groupId,
        labels,
        description: body.description ?? '',
        parameters: body.parameters ?? {},
        credentialId: body.credentialId,
        jumpTargetId: body.jumpTargetId,
        filesTargetId: body.filesTargetId,
        hostKeyPolicy: body.hostKeyPolicy ?? DEFAULT_POLICY,
        proofMinutes: body.proofMinutes,
        builtIn: undefined,
        goneAt: undefined,
        version: 1,
        createdAt: now,
        updatedAt: now,
      };
      requireNone([...problems, ...fieldProblems(engines, target)]);
      await settlements.write(async (tx) => {
        requireNone(await referenceProblems(tx, engines, target));
        await tx.catalog.insertTarget(target);
        const { protocol, host, port } = target;
        const did = eventOf(context, 'target.created', { object: objectOf(target), detail: { protocol, host, port } });
        return { result: undefined, events: [did, ...weakenings(context, target), ...(await dropBuiltIn(tx))] };
      });
      return viewOf(target);
    },

    importTargets: async (context, { body }) => {
      const { result, saved, credentials } = await importTargets(
        parts,
        { ...body, maySeal: context.permissions.has('credential.write') },
        dropBuiltIn,
      );
      if (result.saved) {
        for (const { id, name, kind } of credentials)
          await audit.append(
            eventOf(context, 'credential.created', { object: { kind: 'credential', id, name }, detail: { kind } }),
          );
        await audit.append({
          action: 'target.imported',
          ...actorOf(context),
          outcome: 'success',
          detail: { created: result.created, updated: result.updated, format: body.format },
        });
        for (const event of saved.flatMap((target) => weakenings(context, target))) await audit.append(event);
        if (result.updated > 0) await recheckAll();
      }
      return result;
    },

    getTarget: async (_context, { params }) => viewOf(await found(store.now.catalog.findTarget(params.id))),

    updateTarget: async (context, { params, body }) => {
      const before = await found(store.now.catalog.findTarget(params.id));
      if (before.builtIn !== undefined) throw new Fault('CONFLICT', 'the built-in machine cannot be changed');
      requireCurrent(before, body.version);
      const { groupId, credentialId, jumpTargetId, filesTargetId, proofMinutes, ...rest } = body;
      const { labels, problems } = keptLabels(body.labels, before.labels);
      const wanted: Target = {
        ...before,
        ...rest,
        labels,
        groupId,
        credentialId,
        jumpTargetId,
        filesTargetId,
        proofMinutes,
        updatedAt: clock.now(),
      };
      requireNone([...problems, ...fieldProblems(engines, wanted)]);
      const after = await settlements.write(async (tx) => {
        requireNone(await referenceProblems(tx, engines, wanted));
        const updated = await tx.catalog.updateTarget(wanted);
        await tx.commands.post({ kind: 'recheck-all' }, clock.now());
        const { host, port, hostKeyPolicy } = updated;
        const did = eventOf(context, 'target.updated', {
          object: objectOf(updated),
          detail: { host, port, hostKeyPolicy },
        });
        return { result: updated, events: [did, ...weakenings(context, updated)] };
      });
      return viewOf(after);
    },

    deleteTarget: async (context, { params, query }) => {
      const target = await found(store.now.catalog.findTarget(params.id));
      requireCurrent(target, query.version);
      const { targets } = await catalog.snapshot();
      const behind = targets.filter((other) => other.jumpTargetId === target.id);
      if (behind.length > 0)
        throw new Fault(
          'CONFLICT',
          `${behind.length} machines are reached through this one, for example ${behind[0]?.name ?? ''}`,
        );
      const beside = targets.filter((other) => other.filesTargetId === target.id);
      if (beside.length > 0)
        throw new Fault(
          'CONFLICT',
          `${beside.length} machines have their files on this one, for example ${beside[0]?.name ?? ''}`,
        );
      await settlements.write(async (tx) => {
        const grants = await removeTarget(tx, target);
        await tx.commands.post({ kind: 'recheck-all' }, clock.now());
        const did = eventOf(context, 'target.deleted', { object: objectOf(target) });
        const by = { ...actorOf(context), reason: 'the machine was deleted' };
        return { result: undefined, events: [did, ...withdrawnEvents(grants, by)] };
      });
      return undefined;
    },

    listHostKeys: async (_context, { params }) => {
      await found(store.now.catalog.findTarget(params.id));
      const keys = await store.now.hostKeys.listOf(params.id);
      return { items: await Promise.all(keys.map((key) => keyView(key, store.now))) };
    },

    pinHostKey: async (context, { params, body }) => {
      const target = await found(store.now.catalog.findTarget(params.id));
      const key: HostKey = {
        targetId: target.id,
        ...parsePublicKey(body.publicKey),
        state: 'pinned',
        pinnedAt: clock.now(),
        pinnedBy: context.identity.user.id,
      };
      const { fingerprint, keyType } = key;
      await settlements.write(async (tx) => {
        await tx.hostKeys.insert(key);
        const did = eventOf(context, 'host-key.pinned', { object: objectOf(target), detail: { fingerprint, keyType } });
        return { result: undefined, events: [did] };
      });
      return keyView(key, store.now);
    },

    removeHostKey: async (context, { params }) => {
      const target = await found(store.now.catalog.findTarget(params.id));
      const known = await store.now.hostKeys.listOf(target.id);
      if (!known.some((key) => key.fingerprint === params.fingerprint))
        throw new Fault('NOT_FOUND', 'there is no such object');
      await settlements.write(async (tx) => {
        await tx.hostKeys.delete(target.id, params.fingerprint);
        const { fingerprint } = params;
        return {
          result: undefined,
          events: [eventOf(context, 'host-key.removed', { object: objectOf(target), detail: { fingerprint } })],
        };
      });
      return undefined;
    },

    listTargetGroups: async () => ({ items: (await store.now.catalog.listGroups()).map(groupView) }),

    createTargetGroup: async (context, { body }) => {
      await requireGoodParent(undefined, body.parentId);
      const group: TargetGroup = { id: `tgp_${randomId(random)}`, name: body.name, parentId: body.parentId };
      await settlements.write(async (tx) => {
        await tx.catalog.insertGroup(group);
        return {
          result: undefined,
          events: [eventOf(context, 'target-group.created', { object: groupObject(group) })],
        };
      });
      return groupView(group);
    },

    updateTargetGroup: async (context, { params, body }) => {
      const before = await found(store.now.catalog.findGroup(params.id));
      await requireGoodParent(before.id, body.parentId);
      const group: TargetGroup = { id: before.id, name: body.name, parentId: body.parentId };
      await settlements.write(async (tx) => {
        await tx.catalog.updateGroup(group);
        await tx.commands.post({ kind: 'recheck-all' }, clock.now());
        return {
          result: undefined,
          events: [eventOf(context, 'target-group.updated', { object: groupObject(group) })],
        };
      });
      return groupView(group);
    },

    deleteTargetGroup: async (context, { params }) => {
      const group = await found(store.now.catalog.findGroup(params.id));
      await settlements.write(async (tx) => {
        const withdrawn = await deleteGrantsOf(
          tx,
          ({ scope }) => scope.kind === 'target-group' && scope.id === group.id,
        );
        await tx.catalog.deleteGroup(group.id);
        await tx.commands.post({ kind: 'recheck-all' }, clock.now());
        const did = eventOf(context, 'target-group.deleted', { object: groupObject(group) });
        const by = { ...actorOf(context), reason: 'the group of machines was deleted' };
        return { result: undefined, events: [did, ...withdrawnEvents(withdrawn, by)] };
      });
      return undefined;
    },

    createTryIt: async (context) => {
      if (tryIt === undefined) throw new Fault('NOT_FOUND', 'this installation has no built-in machine');
      const manifest = engines.get(tryIt.protocol);
      if (manifest === undefined) throw new Fault('NOT_FOUND', 'this installation has no built-in machine');
      const now = clock.now();
      const target: Target = {
        id: `tgt_${randomId(random)}`,
        name: tryIt.name,
        protocol: tryIt.protocol,
        host: tryIt.builtIn,
        port: manifest.defaultPort,
        groupId: undefined,
        labels: {},
        description: '',
        parameters: {},
        credentialId: undefined,
        jumpTargetId: undefined,
        hostKeyPolicy: 'trust-first',
        builtIn: tryIt.builtIn,
        goneAt: undefined,
        version: 1,
        createdAt: now,
        updatedAt: now,
      };
      const { user } = context.identity;
      const grantId = `gra_${randomId(random)}`;
      const targetId = await settlements.write(async (tx) => {
        const all = await tx.catalog.listTargets();
        const existing = all.find((other) => other.builtIn === tryIt.builtIn);
        if (existing === undefined && all.length > 0) throw new Fault('CONFLICT', 'there are real machines already');
        const machine = existing ?? target;
        if (existing === undefined) await tx.catalog.insertTarget(target);
        const held = await tx.grants.listFor(user.id, []);
        const hasGrant = held.some((grant) => grant.scope.kind === 'target' && grant.scope.id === machine.id);
        if (!hasGrant) {
          await tx.grants.insert({
            id: grantId,
            subject: { kind: 'user', id: user.id },
            scope: { kind: 'target', id: machine.id },
            actions: ['connect', 'watch', 'clipboard-in', 'clipboard-out'],
            createdAt: now,
            createdBy: user.id,
          });
        }
        const isMade = { builtIn: true, confinement: tryIt.confinement() };
        return {
          result: machine.id,
          events: [
            ...(existing === undefined
              ? [eventOf(context, 'target.created', { object: objectOf(machine), detail: isMade })]
              : []),
            ...(hasGrant
              ? []
              : [
                  eventOf(context, 'grant.created', {
                    object: { kind: 'grant', id: grantId, name: `${context.identity.user.username} → ${machine.name}` },
                    detail: { targetId: machine.id },
                  }),
                ]),
          ],
        };
      });
      return { targetId };
    },
  };
}
