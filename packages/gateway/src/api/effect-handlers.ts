import { EffectOfChange, type Grant, type GrantChange, type Placement, permissionsOf } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { User } from '@enchilada/core/identity';
import type { Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { requireGoodGrant } from './grant-view.ts';

type EffectHandlers = Pick<Handlers, 'previewGrant'>;

const MOST_PEOPLE = 1_000;
const MOST_NAMES = 20;

export function effectHandlers({ store, catalog, clock }: ApiParts): EffectHandlers {
  async function peopleOf({ subject }: Grant): Promise<readonly User[]> {
    const ids = subject.kind === 'user' ? [subject.id] : await store.now.groups.members(subject.id);
    const wanted = new Set(ids);
    return (await store.now.users.list()).filter(
      ({ id, role, disabledAt }) =>
        wanted.has(id) && disabledAt === undefined && permissionsOf(role).has('machine.use'),
    );
  }

  async function placements(): Promise<readonly Placement[]> {
    const { targets, ancestors } = await catalog.snapshot();
    return targets.map((target) => ({
      target,
      ancestors: target.groupId === undefined ? [] : (ancestors.get(target.groupId) ?? []),
    }));
  }

  return {
    previewGrant: async (context, { body: { add, remove } }) => {
      if ((add === undefined) === (remove === undefined))
        throw new Fault('INVALID_REQUEST', 'either add or remove must be given', { facts: { field: 'body/add' } });
      let change: GrantChange;
      if (add !== undefined) {
        const grant = { id: 'gra_new', ...add, createdAt: clock.now(), createdBy: context.identity.user.id };
        await requireGoodGrant(store, grant, clock.now());
        change = { add: grant };
      } else {
        const grant = await store.now.grants.find(remove ?? '');
        if (grant === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
        change = { remove: grant };
      }
      const effect = new EffectOfChange(change, await placements(), clock.now());
      const gained = new Set<string>();
      const lost = new Set<string>();
      const machines = new Set<string>();
      const people = [];
      for (const { id, username } of await peopleOf(effect.changed)) {
        const groupIds = await store.now.groups.groupsOf(id);
        const on = effect.on({ userId: id, groupIds, grants: await store.now.grants.listFor(id, groupIds) });
        if (on.gained.length + on.lost.length === 0) continue;
        people.push({ userId: id, username, gained: on.gained.length, lost: on.lost.length });
        for (const target of on.gained) gained.add(target.id);
        for (const target of on.lost) lost.add(target.id);
        for (const { name } of [...on.gained, ...on.lost]) if (machines.size < MOST_NAMES) machines.add(name);
      }
      const { conditions } = effect.changed;
      return {
        gain: { people: people.filter((person) => person.gained > 0).length, machines: gained.size },
        lose: { people: people.filter((person) => person.lost > 0).length, machines: lost.size },
        people: people.slice(0, MOST_PEOPLE),
        machines: [...machines],
        conditional: (conditions?.times ?? conditions?.networks ?? conditions?.approval) !== undefined,
      };
    },
  };
}
