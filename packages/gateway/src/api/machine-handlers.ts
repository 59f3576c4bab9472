import type { Machine, MachineGroup } from '@enchilada/contract';
import { scopeCovers } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { VerifiedIdentity } from '@enchilada/core/identity';
import type { Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import type { VisibleTarget } from './catalog-view.ts';

type MachineHandlers = Pick<
  Handlers,
  'listMachines' | 'listRecentMachines' | 'getMachine' | 'listMachineGroups' | 'listEngines'
>;

const SESSIONS_LOOKED_AT = 200;
const RECENT = 12;
const OPEN_REQUESTS = 200;

export function machineHandlers({ store, catalog, engines, clock }: ApiParts): MachineHandlers {
  /** When the person last opened which machine, newest first. */
  async function lastUsed(identity: VerifiedIdentity): Promise<ReadonlyMap<string, number>> {
    const { items } = await store.now.sessions.list({ userId: identity.user.id, limit: SESSIONS_LOOKED_AT });
    const used = new Map<string, number>();
    for (const session of items)
      used.set(session.targetId, Math.max(used.get(session.targetId) ?? 0, session.requestedAt));
    return new Map([...used].sort(([, a], [, b]) => b - a));
  }

  /** How the approvals stand that machines of a list need; nothing is asked where none needs any. */
  async function approvals(
    { user }: VerifiedIdentity,
    shown: readonly VisibleTarget[],
  ): Promise<(entry: VisibleTarget) => Machine['approval']> {
    if (!shown.some(({ asks }) => asks)) return () => undefined;
    const now = clock.now();
    const states = ['pending', 'approved'] as const;
    const { items } = await store.now.requests.list({ userId: user.id, states, openAt: now, limit: OPEN_REQUESTS });
    const open = items.filter(({ uses, sessions }) => uses < sessions);
    return ({ target, asks }) => {
      if (!asks) return undefined;
      const about = open.filter(({ scope }) => scopeCovers(scope, target, catalog.ancestorsOf(target)));
      const request = about.find(({ state }) => state === 'approved') ?? about[0];
      if (request === undefined) return { state: 'needed' };
      const { id, from, until, state } = request;
      return { state: state === 'approved' ? 'approved' : 'pending', requestId: id, from, until };
    };
  }

  function view(
    { target, actions }: VisibleTarget,
    lastUsedAt: number | undefined,
    approval: Machine['approval'],
  ): Machine | undefined {
    const manifest = engines.get(target.protocol);
    if (manifest === undefined) return undefined;
    return {
      id: target.id,
      name: target.name,
      host: target.host,
      port: target.port,
      protocol: target.protocol,
      protocolLabel: manifest.label,
      ...(manifest.cleartext === true ? { cleartext: true } : {}),
      surface: manifest.surface,
      ...(target.groupId === undefined ? {} : { groupId: target.groupId }),
      labels: { ...target.labels },
      description: target.description,
      actions: [...actions],
      builtIn: target.builtIn !== undefined,
      ...(approval === undefined ? {} : { approval }),
      ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
    };
  }

  return {
    listMachines: async ({ identity }, { query }) => {
      const [{ items, ...page }, used] = await Promise.all([
        catalog.searchVisible(identity, query),
        lastUsed(identity),
      ]);
      const approvalFor = await approvals(identity, items);
      return {
        ...page,
        items: items.flatMap((entry) => view(entry, used.get(entry.target.id), approvalFor(entry)) ?? []),
      };
    },

    listRecentMachines: async ({ identity }) => {
      const [visible, used] = await Promise.all([catalog.visibleTo(identity), lastUsed(identity)]);
      const byId = new Map(
        visible.filter(({ target }) => used.has(target.id)).map((entry) => [entry.target.id, entry]),
      );
      const approvalFor = await approvals(identity, [...byId.values()]);
      const items = [...used].flatMap(([id, at]) => {
        const entry = byId.get(id);
        return entry === undefined ? [] : (view(entry, at, approvalFor(entry)) ?? []);
      });
      return { items: items.slice(0, RECENT) };
    },

    getMachine: async (context, { params }) => {
      const visible = await catalog.visibleTo(context.identity);
      const entry = visible.find(({ target }) => target.id === params.id);
      const used = await lastUsed(context.identity);
      const machine = entry && view(entry, used.get(params.id), (await approvals(context.identity, [entry]))(entry));
      if (machine !== undefined) return machine;
      if ((await store.now.catalog.findTarget(params.id)) !== undefined)
        return context.refuse({ kind: 'target', id: params.id });
      throw new Fault('NOT_FOUND', 'there is no such object');
    },

    listMachineGroups: async ({ identity }) => {
      const [visible, { groups, ancestors }] = await Promise.all([catalog.visibleTo(identity), catalog.snapshot()]);
      const counts = new Map<string, number>();
      for (const { target } of visible) {
        if (target.groupId === undefined) continue;
        for (const id of ancestors.get(target.groupId) ?? []) counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      const items = [...counts].flatMap(([id, machines]): MachineGroup[] => {
        const group = groups.get(id);
        return group === undefined
          ? []
          : [{ id, name: group.name, machines, ...(group.parentId === undefined ? {} : { parentId: group.parentId }) }];
      });
      return { items: items.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })) };
    },

    listEngines: () =>
      Promise.resolve({
        items: [...engines.values()].map((manifest) => ({
          ...manifest,
          credentialKinds: [...manifest.credentialKinds],
          parameters: manifest.parameters.map((field) =>
            field.kind === 'choice' ? { ...field, options: [...field.options] } : field,
          ),
        })),
      }),
  };
}
