import { isReserved, TAG_PREFIX, TRUSTED_PREFIX } from '@enchilada/core/discovery';
import type { EngineManifest } from '@enchilada/core/engine';
import { checkParameters } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { Target } from '@enchilada/core/target';
import type { StoreTransaction } from '@enchilada/core/store';
import type { ApiParts } from './api-parts.ts';

export interface TargetProblem {
  readonly field: string;
  readonly message: string;
}

const LONGEST_CHAIN = 5;

/** What is wrong with the machine's own fields; needs no database. */
export function fieldProblems(engines: ApiParts['engines'], target: Target): readonly TargetProblem[] {
  const manifest = engines.get(target.protocol);
  if (manifest === undefined)
    return [
      {
        field: 'protocol',
        message: `must be one of ${[...engines.keys()].join(', ')}, received ${JSON.stringify(target.protocol)}`,
      },
    ];
  const jump =
    target.jumpTargetId !== undefined && !manifest.jumpHosts
      ? [{ field: 'jumpTargetId', message: 'this protocol has no jump hosts' }]
      : [];
  const files =
    target.filesTargetId !== undefined && manifest.holdsFiles === true
      ? [{ field: 'filesTargetId', message: 'sessions of this protocol have files of their own' }]
      : [];
  return [
    ...jump,
    ...files,
    ...checkParameters(manifest, target.parameters).map(({ field, message }) => ({
      field: `parameters.${field}`,
      message,
    })),
  ];
}

/**
 * The labels that a person writes, together with those that discovery wrote, which stay whatever the person says of them.
 * INVARIANT: grants rest on `cloud:` labels and on there being no mark of a tag's placement, so nobody but discovery writes or removes either.
 */
export function keptLabels(
  written: Target['labels'],
  before: Target['labels'] = {},
): { readonly labels: Target['labels']; readonly problems: readonly TargetProblem[] } {
  const reserved = Object.entries(before).filter(([name]) => isReserved(name));
  const problems = Object.entries(written)
    .filter(([name, value]) => isReserved(name) && !(Object.hasOwn(before, name) && before[name] === value))
    .map(([name]) => ({
      field: 'labels',
      message: `${JSON.stringify(name)} is not for people to write: names that begin with ${TRUSTED_PREFIX} or ${TAG_PREFIX} are written by discovery alone; choose another`,
    }));
  return { labels: { ...written, ...Object.fromEntries(reserved) }, problems };
}

/** What is wrong with what the machine refers to. */
export async function referenceProblems(
  tx: StoreTransaction,
  engines: ApiParts['engines'],
  target: Target,
): Promise<readonly TargetProblem[]> {
  const manifest = engines.get(target.protocol);
  const problems: TargetProblem[] = [];
  if (target.groupId !== undefined && (await tx.catalog.findGroup(target.groupId)) === undefined)
    problems.push({ field: 'groupId', message: 'names a group that does not exist' });
  if (target.credentialId !== undefined) {
    const credential = await tx.credentials.find(target.credentialId);
    if (credential === undefined)
      problems.push({ field: 'credentialId', message: 'names a credential that does not exist' });
    else if (manifest !== undefined && !manifest.credentialKinds.includes(credential.kind)) {
      problems.push({
        field: 'credentialId',
        message: `must be of kind ${manifest.credentialKinds.join(', ')}, received ${credential.kind}`,
      });
    }
  }
  if (target.filesTargetId !== undefined) {
    const holder = await tx.catalog.findTarget(target.filesTargetId);
    if (holder === undefined || holder.builtIn !== undefined || engines.get(holder.protocol)?.holdsFiles !== true)
      problems.push({ field: 'filesTargetId', message: 'names no machine that has files' });
  }
  const passed = new Set([target.id]);
  for (let next = target.jumpTargetId; next !== undefined;) {
    const hop = await tx.catalog.findTarget(next);
    if (hop === undefined || engines.get(hop.protocol)?.carries !== true)
      return [...problems, { field: 'jumpTargetId', message: 'names no machine that passes connections on' }];
    if (passed.has(hop.id))
      return [...problems, { field: 'jumpTargetId', message: 'the chain of jump hosts comes back to itself' }];
    passed.add(hop.id);
    if (passed.size > LONGEST_CHAIN)
      return [...problems, { field: 'jumpTargetId', message: `at most ${LONGEST_CHAIN - 1} jump hosts` }];
    next = hop.jumpTargetId;
  }
  return problems;
}

/** Names of parameters that weaken safety and differ from their default. */
export function weakenedBy(manifest: EngineManifest | undefined, target: Target): readonly string[] {
  return (manifest?.parameters ?? []).flatMap((field) => {
    const value = target.parameters[field.name];
    return field.weakens === true && value !== undefined && value !== ('default' in field ? field.default : undefined)
      ? [field.name]
      : [];
  });
}

/** @throws Fault INVALID_REQUEST with the first problem, its field among the facts */
export function requireNone(problems: readonly TargetProblem[]): void {
  const [first] = problems;
  if (first !== undefined)
    throw new Fault('INVALID_REQUEST', `${first.field} ${first.message}`, {
      facts: { field: `body/${first.field.replace('.', '/')}` },
    });
}
