import { isDiscovered } from '@enchilada/core/discovery';
import { CommandFailure } from '../frame/exit-code.ts';
import { differences } from './canonical.ts';
import type { LiveGroup, LivePolicy } from './live-policy.ts';
import { idToCome, type Names, pathAndAbove, pathsOf } from './names.ts';
import { type FileGroup, fold, type PolicyFile } from './policy-file.ts';
import type { Planned } from './plan.ts';
import type { Run, Step } from './step.ts';

interface GroupParts {
  readonly name: string;
  readonly description: string;
  readonly requiresSecondFactor: boolean;
}

function partsOf({ name, description, requiresSecondFactor }: GroupParts): Record<keyof GroupParts, string | boolean> {
  return { name, description, requiresSecondFactor };
}

/** Groups have no versions: one that is no longer as the plan saw it is left alone. */
async function updateUnchanged(run: Run, before: LiveGroup, wanted: FileGroup): Promise<void> {
  const now = (await run.api.listGroups()).items.find(({ id }) => id === before.id);
  if (now === undefined || differences(partsOf(before), partsOf(now)).length > 0)
    throw new CommandFailure(1, `the group ${before.name} was changed by somebody else meanwhile`);
  await run.api.updateGroup({
    params: { id: before.id },
    body: { name: wanted.name, description: wanted.description, requiresSecondFactor: wanted.requiresSecondFactor },
  });
}

export function planGroups(policy: PolicyFile, live: LivePolicy, names: Names): Planned {
  const steps: Step[] = [];
  const drift: Step[] = [];
  const kept = new Set<string>();
  for (const wanted of policy.groups ?? []) {
    const before = live.groups.find(({ name }) => fold(name) === fold(wanted.name));
    const { name, line, description, requiresSecondFactor } = wanted;
    const id = before?.id ?? idToCome('group', name);
    kept.add(id);
    if (before === undefined)
      steps.push({
        ...{ act: 'create', kind: 'group', name, line, details: [] },
        acts: [
          {
            phase: 'groups',
            run: async (run) => {
              run.made(id, (await run.api.createGroup({ body: { name, description, requiresSecondFactor } })).id);
            },
          },
        ],
        imagine: () => undefined,
      });
    else {
      const details = differences(partsOf(before), partsOf(wanted));
      if (details.length > 0)
        steps.push({
          ...{ act: 'update', kind: 'group', name: before.name, line, details },
          acts: [{ phase: 'groups', run: (run) => updateUnchanged(run, before, wanted) }],
          imagine: () => undefined,
        });
    }
    if (wanted.members === undefined) continue;
    const members = new Set(names.ids('user', wanted.members));
    for (const user of live.users) {
      const isIn = user.groupIds.includes(id);
      if (members.has(user.id) === isIn) continue;
      const step = { kind: 'member', name: `${user.username} in ${name}`, line, details: [] } as const;
      if (isIn)
        drift.push({
          ...step,
          act: 'delete',
          acts: [
            { phase: 'leaving', run: (run) => run.api.removeMember({ params: { id: run.real(id), userId: user.id } }) },
          ],
          imagine: ({ people }) => void people.get(user.id)?.delete(id),
        });
      else
        steps.push({
          ...step,
          act: 'create',
          acts: [
            {
              phase: 'joining',
              run: (run) => run.api.addMember({ params: { id: run.real(id) }, body: { userId: user.id } }),
            },
          ],
          imagine: ({ people }) => void people.get(user.id)?.add(id),
        });
    }
  }
  if (policy.groups !== undefined)
    for (const { id, name } of live.groups.filter((group) => !kept.has(group.id)))
      drift.push({
        ...{ act: 'delete', kind: 'group', name, details: [] },
        acts: [{ phase: 'groups that go', run: (run) => run.api.deleteGroup({ params: { id } }) }],
        imagine: ({ people }) => {
          for (const groups of people.values()) groups.delete(id);
        },
      });
  return { steps, drift };
}

export function planTargetGroups(policy: PolicyFile, live: LivePolicy): Planned {
  if (policy.targetGroups === undefined) return { steps: [], drift: [] };
  const paths = pathsOf(live.targetGroups);
  const idOf = new Map([...paths].map(([id, path]) => [path, id]));
  const steps: Step[] = [];
  const wanted = new Set<string>();
  for (const { name: whole, line } of policy.targetGroups)
    for (const path of pathAndAbove(whole)) {
      if (wanted.has(path)) continue;
      wanted.add(path);
      if (idOf.has(path)) continue;
      const id = idToCome('group of machines', path);
      const [name = '', above] = [path.split('/').at(-1), pathAndAbove(path).at(-2)];
      const parentId = above === undefined ? undefined : (idOf.get(above) ?? idToCome('group of machines', above));
      const parent = parentId === undefined ? {} : { parentId };
      steps.push({
        ...{ act: 'create', kind: 'machine group', name: path, line, details: [] },
        acts: [
          {
            phase: 'groups of machines',
            run: async (run) => {
              run.made(id, (await run.api.createTargetGroup({ body: run.real({ name, ...parent }) })).id);
            },
          },
        ],
        imagine: ({ targetGroups }) => void targetGroups.set(id, { id, parentId, name }),
      });
    }
  // Where discovery puts machines, it also makes the groups.
  const found = new Set(
    live.targets.filter(isDiscovered).flatMap(({ groupId }) => pathAndAbove(paths.get(groupId ?? '') ?? '')),
  );
  const drift = live.targetGroups
    .map(({ id, parentId }) => ({ id, parentId, path: paths.get(id) ?? '' }))
    .filter(({ path }) => !wanted.has(path) && !found.has(path))
    .sort((a, b) => b.path.split('/').length - a.path.split('/').length)
    .map(({ id, parentId, path }): Step => ({
      ...{ act: 'delete', kind: 'machine group', name: path, details: [] },
      acts: [{ phase: 'groups of machines that go', run: (run) => run.api.deleteTargetGroup({ params: { id } }) }],
      imagine: ({ targets, targetGroups }) => {
        targetGroups.delete(id);
        for (const [key, target] of targets)
          if (target.groupId === id) targets.set(key, { ...target, groupId: parentId });
        for (const [key, group] of targetGroups)
          if (group.parentId === id) targetGroups.set(key, { ...group, parentId });
      },
    }));
  return { steps, drift };
}
