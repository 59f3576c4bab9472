import { nearestName } from '@enchilada/core/naming';
import { isDiscovered, isReserved } from '@enchilada/core/discovery';
import type { Api } from '../login/client.ts';
import { differences } from './canonical.ts';
import type { LivePolicy, LiveTarget } from './live-policy.ts';
import { idToCome, type Names, pathsOf } from './names.ts';
import type { Planned } from './plan.ts';
import type { FileTarget, PolicyFile } from './policy-file.ts';
import type { Step } from './step.ts';

type TargetBody = Omit<Parameters<Api['updateTarget']>[0]['body'], 'version'>;

export function planTargets(policy: PolicyFile, live: LivePolicy, names: Names): Planned {
  if (policy.targets === undefined) return { steps: [], drift: [] };
  const byName = new Map<string, LiveTarget[]>();
  for (const target of live.targets) byName.set(target.name, [...(byName.get(target.name) ?? []), target]);
  const wording = new Wording(live);
  const steps: Step[] = [];
  const kept = new Set<string>();
  for (const wanted of namedFirst(policy.targets)) {
    const body = bodyOf(wanted, live, names);
    const same = byName.get(wanted.name) ?? [];
    for (const { id } of same) kept.add(id);
    const [before] = same;
    if (same.length > 1)
      names.problems.push({
        line: wanted.line,
        message: `${same.length} machines are named ${JSON.stringify(wanted.name)}`,
      });
    if (body === undefined || same.length > 1) continue;
    const step = before === undefined ? creation(wanted, body) : update(wanted, body, { before, wording });
    if (step !== undefined) steps.push(step);
  }
  const drift = live.targets
    .filter((target) => !kept.has(target.id) && !isDiscovered(target))
    .map(({ id, name, version }): Step => ({
      ...{ act: 'delete', kind: 'machine', name, details: [] },
      acts: [{ phase: 'machines that go', run: (run) => run.api.deleteTarget({ params: { id }, query: { version } }) }],
      imagine: ({ targets, grants }) => {
        targets.delete(id);
        for (const [key, { scope }] of grants) if (scope.kind === 'target' && scope.id === id) grants.delete(key);
      },
    }));
  return { steps, drift };
}

/** A machine is made after those that it names: the one it is reached through, the one that has its files. A ring is the gateway's to refuse. */
function namedFirst(targets: readonly FileTarget[]): readonly FileTarget[] {
  const byName = new Map(targets.map((target) => [target.name, target]));
  const [met, ordered] = [new Set<FileTarget>(), new Set<FileTarget>()];
  const add = (target: FileTarget): void => {
    if (met.has(target)) return;
    met.add(target);
    for (const named of [target.jump, target.files]) {
      const other = named && byName.get(named.name);
      if (other !== undefined) add(other);
    }
    ordered.add(target);
  };
  for (const target of targets) add(target);
  return [...ordered];
}

function bodyOf(wanted: FileTarget, live: LivePolicy, names: Names): TargetBody | undefined {
  const engine = live.engines.find(({ id }) => id === wanted.protocol.name);
  if (engine === undefined) {
    const known = live.engines.map(({ id }) => id);
    const nearest = nearestName(wanted.protocol.name, known);
    const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`;
    names.problems.push({
      line: wanted.protocol.line,
      message: `there is no protocol ${JSON.stringify(wanted.protocol.name)}; ${hint}`,
    });
    return undefined;
  }
  for (const name of Object.keys(wanted.parameters).filter((one) =>
    engine.parameters.every((field) => field.name !== one),
  )) {
    const nearest = nearestName(
      name,
      engine.parameters.map((field) => field.name),
    );
    const hint = nearest === undefined ? 'see enchilada protocols' : `did you mean ${nearest}?`;
    names.problems.push({
      line: wanted.line,
      message: `${JSON.stringify(name)} is no parameter of ${engine.id}; ${hint}`,
    });
  }
  const groupId = wanted.group && names.id('group of machines', wanted.group);
  const credentialId = wanted.credential && names.id('credential', wanted.credential);
  const jumpTargetId = wanted.jump && names.id('machine', wanted.jump);
  const filesTargetId = wanted.files && names.id('machine', wanted.files);
  return {
    ...{ name: wanted.name, protocol: engine.id, host: wanted.host, port: wanted.port ?? engine.defaultPort },
    ...{ labels: { ...wanted.labels }, description: wanted.description, hostKeyPolicy: wanted.hostKeyPolicy },
    parameters: { ...wanted.parameters },
    ...(groupId === undefined ? {} : { groupId }),
    ...(credentialId === undefined ? {} : { credentialId }),
    ...(jumpTargetId === undefined ? {} : { jumpTargetId }),
    ...(filesTargetId === undefined ? {} : { filesTargetId }),
    ...(wanted.proofMinutes === undefined ? {} : { proofMinutes: wanted.proofMinutes }),
  };
}

function creation({ name, line }: FileTarget, body: TargetBody): Step {
  const id = idToCome('machine', name);
  return {
    ...{ act: 'create', kind: 'machine', name, line, details: [] },
    acts: [
      {
        phase: 'machines',
        run: async (run) => {
          run.made(id, (await run.api.createTarget({ body: run.real(body) })).id);
        },
      },
    ],
    imagine: (draft) => {
      draft.targets.set(id, { id, groupId: body.groupId, labels: body.labels, goneAt: undefined });
      draft.names.set(id, name);
    },
  };
}

function update(
  { name, line }: FileTarget,
  body: TargetBody,
  { before, wording }: { readonly before: LiveTarget; readonly wording: Wording },
): Step | undefined {
  const { id, version } = before;
  const reserved = Object.fromEntries(Object.entries(before.labels).filter(([label]) => isReserved(label)));
  const details = differences(wording.of(before), wording.of(body));
  if (details.length === 0) return undefined;
  return {
    ...{ act: 'update', kind: 'machine', name, line, details },
    acts: [
      {
        phase: 'machines',
        run: (run) => run.api.updateTarget({ params: { id }, body: { ...run.real(body), version } }),
      },
    ],
    imagine: ({ targets }) =>
      void targets.set(id, { id, groupId: body.groupId, labels: { ...body.labels, ...reserved }, goneAt: undefined }),
  };
}

/** A machine as a person reads it: names in the places of ids, without what is as it always is. */
class Wording {
  readonly #live: LivePolicy;
  readonly #paths: ReadonlyMap<string, string>;

  constructor(live: LivePolicy) {
    this.#live = live;
    this.#paths = pathsOf(live.targetGroups);
  }

  of(target: TargetBody): Readonly<Record<string, unknown>> {
    const { groupId, credentialId, jumpTargetId, filesTargetId, labels, parameters, protocol } = target;
    const { credentials, targets, engines } = this.#live;
    const fields = engines.find(({ id }) => id === protocol)?.parameters ?? [];
    const isDefault = (name: string, value: unknown): boolean => {
      const field = fields.find((one) => one.name === name);
      return field !== undefined && 'default' in field && field.default === value;
    };
    const nameIn = (items: readonly { readonly id: string; readonly name: string }[], id: string | undefined) =>
      id === undefined ? undefined : (items.find((one) => one.id === id)?.name ?? lastPart(id));
    return {
      ...{ protocol, host: target.host, port: target.port, description: target.description },
      ...{ hostKeyPolicy: target.hostKeyPolicy, proofMinutes: target.proofMinutes },
      group: groupId === undefined ? undefined : (this.#paths.get(groupId) ?? lastPart(groupId)),
      credential: nameIn(credentials, credentialId),
      jump: nameIn(targets, jumpTargetId),
      files: nameIn(targets, filesTargetId),
      ...prefixed(
        'label',
        Object.entries(labels).filter(([name]) => !isReserved(name)),
      ),
      ...prefixed(
        'parameter',
        Object.entries(parameters).filter(([name, value]) => !isDefault(name, value)),
      ),
    };
  }
}

function prefixed(word: string, entries: readonly (readonly [string, unknown])[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(entries.map(([name, value]) => [`${word} ${name}`, value]));
}

/** The name in an id to come. */
function lastPart(id: string): string {
  return id.split('\u0000').at(-1) ?? id;
}
