import type { ProtocolId } from '../engine/index.ts';
import type { Target } from '../target/index.ts';
import type { MachineFacts } from './discovery-source.ts';
import type { Projection } from './found-machine.ts';
import { GRANTED_BY, INPUT_RECORDING, isReserved, PLACED_BY_TAG, TAG_PREFIX, TRUSTED_PREFIX } from './labels.ts';
import {
  type Candidate,
  decide,
  groupPath,
  machineName,
  openedBy,
  type OpenedBy,
  plainText,
  type Rule,
  type RuleDecision,
} from './rule.ts';

export interface ProjectionParts {
  readonly rules: readonly Rule[];
  /** Absent where the product speaks no protocol for the platform. */
  readonly protocols: Readonly<Partial<Record<MachineFacts['platform'], ProtocolId>>>;
  readonly portOf: (protocol: ProtocolId) => number | undefined;
}

/** Names further protocols by which a machine is opened, in words: `ssh rdp`. */
export const PROTOCOL_TAG = 'enchilada:protocol';

/** Why a machine that was found is not in the catalog. `deleted`: a person took it out, and it stays out; `untagged`: no tag asks for it any more. */
export type Omission = 'deleted' | 'untagged' | 'rule' | 'no-address' | 'no-protocol';

export type ProjectedFields = Omit<Projection, 'groupId'> & { readonly path: readonly string[] };

export type Projected = { readonly decision: RuleDecision } & (
  | { readonly fields: ProjectedFields; readonly omitted?: undefined }
  | { readonly omitted: Exclude<Omission, 'deleted' | 'untagged'>; readonly fields?: undefined }
);

/** What the catalog should hold for a machine. `further`: where its tag asks for a second entry. */
export interface ProjectedMachine {
  readonly first: Projected;
  readonly further: Projected | undefined;
}

export function projectMachine(candidate: Candidate, parts: ProjectionParts): ProjectedMachine {
  const { stated, platform } = candidate.facts;
  const opened = openedBy(parts.rules, candidate, { protocol: stated?.protocol ?? parts.protocols[platform] });
  const first = project(candidate, parts, opened);
  const protocol = furtherProtocol(candidate, parts, opened);
  if (protocol === undefined) return { first, further: undefined };
  const openTag = candidate.source.protectedTags.includes(PROTOCOL_TAG) ? {} : { openTag: PROTOCOL_TAG };
  const { decision: made, fields, omitted } = project(candidate, parts, { protocol, isFurther: true, ...openTag });
  const decision = { ...made, trace: [{ field: 'protocol' as const, rule: `tag ${PROTOCOL_TAG}` }, ...made.trace] };
  if (fields === undefined) return { first, further: { decision, omitted } };
  // What is there alone is called as it is.
  const name = first.fields === undefined ? fields.name : `${fields.name} (${protocol.toUpperCase()})`;
  return { first, further: { decision, fields: { ...fields, name } } };
}

/**
 * INVARIANT: of what platforms are opened by anyway: a tag, which may be anybody's, sends nobody to a machine by a protocol that protects less.
 */
function furtherProtocol(
  { facts }: Candidate,
  { protocols }: ProjectionParts,
  first: OpenedBy,
): ProtocolId | undefined {
  if (!Object.hasOwn(facts.tags, PROTOCOL_TAG)) return undefined;
  const words = (facts.tags[PROTOCOL_TAG] ?? '').toLowerCase().split(/[^a-z0-9-]+/u);
  return Object.values(protocols).find((protocol) => protocol !== first.protocol && words.includes(protocol));
}

function project(candidate: Candidate, { rules, protocols, portOf }: ProjectionParts, opened: OpenedBy): Projected {
  const decision = decide(rules, candidate, opened);
  const { outcome } = decision;
  if (outcome.skip === true) return { decision, omitted: 'rule' };
  const host = hostOf(candidate.facts, outcome.address ?? 'private');
  if (host === undefined) return { decision, omitted: 'no-address' };
  const { stated = {}, platform } = candidate.facts;
  const { protocol } = opened;
  const standardPort = protocol === undefined ? undefined : portOf(protocol);
  const statedPort = protocol === (stated.protocol ?? protocols[platform]) ? stated.port : undefined;
  const port = outcome.port ?? statedPort ?? standardPort;
  if (protocol === undefined || port === undefined || standardPort === undefined)
    return { decision, omitted: 'no-protocol' };
  // INVARIANT: a source's own word on groups stays below the source's group.
  const own = [candidate.source.name, ...(stated.group?.split('/') ?? [])].map((one) => one.replaceAll(/[{}/]/gu, ' '));
  const template =
    outcome.group ?? (stated.group === undefined ? `${candidate.source.name}/{accountName}` : own.join('/'));
  return {
    decision,
    fields: {
      name: machineName(outcome.name, candidate),
      protocol,
      host,
      port,
      path: groupPath(template, candidate),
      labels: labelsOf(candidate, marksOf(decision)),
      parameters: outcome.parameters ?? {},
      credentialId: outcome.credentialId,
      jumpTargetId: outcome.jumpTargetId,
      hostKeyPolicy: outcome.hostKeyPolicy ?? 'ask',
    },
  };
}

/** What rules decided and the policy reads: labels, because the catalog, grants and the search know them. */
function marksOf({ outcome, placedByTag, trace }: RuleDecision): Readonly<Record<string, string>> {
  const granting = trace.find(
    ({ field, refusedBecauseOfTag }) => field === 'grants' && refusedBecauseOfTag === undefined,
  );
  return {
    ...(placedByTag ? { [PLACED_BY_TAG]: 'tag' } : {}),
    ...(granting === undefined ? {} : { [GRANTED_BY]: granting.rule }),
    ...(outcome.inputRecording === undefined ? {} : { [INPUT_RECORDING]: outcome.inputRecording }),
  };
}

/** INVARIANT: a public address or name is taken only where a rule says so. */
function hostOf(
  facts: MachineFacts,
  wanted: 'private' | 'private-name' | 'public' | 'public-name',
): string | undefined {
  switch (wanted) {
    case 'private':
      return facts.privateAddresses[0];
    case 'private-name':
      return facts.privateName ?? facts.privateAddresses[0];
    case 'public':
      return facts.publicAddresses[0];
    case 'public-name':
      return facts.publicName ?? facts.publicAddresses[0];
  }
}

const LABEL_NAME = /^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$/u;

function isLabelName(key: string): boolean {
  return LABEL_NAME.test(key) && !isReserved(key);
}

/** Tag keys may hold spaces and any letter; label names may not. */
function labelName(key: string): string {
  return key.replaceAll(/[^A-Za-z0-9_.:/-]/gu, '_').slice(0, 100);
}

const MOST_LABELS = 50;
const LONGEST_LABEL = 200;

function labelsOf(
  { source, scope, nativeId, facts }: Candidate,
  placement: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const own: Record<string, string | undefined> = {
    source: source.name,
    account: scope.account,
    'account-name': scope.accountName,
    region: facts.region ?? scope.region,
    id: nativeId,
    state: facts.state,
    platform: facts.platform,
    network: facts.network,
    zone: facts.zone,
    image: facts.image,
    size: facts.size,
  };
  const labels: [string, string][] = Object.entries(own).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [[`${TRUSTED_PREFIX}${key}`, plainText(value, LONGEST_LABEL)]],
  );
  labels.push(...Object.entries(placement));
  for (const [key, value] of Object.entries(facts.tags)) {
    const name = source.protectedTags.includes(key) && isLabelName(key) ? key : `${TAG_PREFIX}${labelName(key)}`;
    if (labels.length < MOST_LABELS) labels.push([name, plainText(value, LONGEST_LABEL)]);
  }
  return Object.fromEntries(labels);
}

export function newTarget(id: string, projection: Projection, at: number): Target {
  return {
    ...projection,
    id,
    description: '',
    builtIn: undefined,
    goneAt: undefined,
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
}

/**
 * The target as it should be now: a field that still is what discovery wrote last follows discovery, every other is a person's and stays.
 * Labels are merged one by one.
 */
export function mergeProjection(target: Target, before: Projection | undefined, next: Projection): Target {
  const kept: Partial<Record<keyof Projection, unknown>> = {};
  for (const field of Object.keys(next) as (keyof Projection)[]) {
    if (field === 'labels') continue;
    const follows = before === undefined || equal(target[field], before[field]);
    kept[field] = follows ? next[field] : target[field];
  }
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(target.labels)) if (before?.labels[key] !== value) labels[key] = value;
  for (const [key, value] of Object.entries(next.labels)) if (!Object.hasOwn(labels, key)) labels[key] = value;
  return { ...target, ...(kept as Partial<Projection>), labels };
}

function equal(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
