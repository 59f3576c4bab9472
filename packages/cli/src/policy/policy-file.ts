import {
  FACTOR_LEVELS,
  type FactorLevel,
  GRANT_ACTIONS,
  GRANT_EFFECTS,
  type GrantAction,
  type GrantEffect,
} from '@enchilada/core/access';
import { HOST_KEY_POLICIES, type HostKeyPolicy } from '@enchilada/core/target';
import { allNamed, given, listMap, type Named, named, needed, valueMap } from './file-fields.ts';
import { type FileRule, readRule } from './file-rule.ts';
import { type FileProblem, YamlFile, type YamlPlace } from './yaml-place.ts';

export interface FileGroup extends Named {
  readonly description: string;
  readonly requiresSecondFactor: boolean;
  /** Absent: who is in the group is none of the file's business. */
  readonly members?: readonly Named[];
}

export interface FileTarget extends Named {
  readonly protocol: Named;
  readonly host: string;
  readonly port?: number;
  readonly group?: Named;
  readonly labels: Readonly<Record<string, string>>;
  readonly description: string;
  readonly credential?: Named;
  readonly jump?: Named;
  readonly files?: Named;
  readonly hostKeyPolicy: HostKeyPolicy;
  readonly proofMinutes?: number;
  readonly parameters: Readonly<Record<string, string | number | boolean | string[]>>;
}

export type FileScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'target' | 'target-group'; readonly of: Named }
  | { readonly kind: 'labels'; readonly selector: Readonly<Record<string, string[]>> };

export interface FileConditions {
  readonly times?: {
    readonly zone: string;
    readonly windows: readonly { readonly days: number[]; readonly from: string; readonly to: string }[];
  };
  readonly networks?: readonly string[];
  readonly notAfter?: number;
  readonly secondFactor?: { readonly level: FactorLevel; readonly minutes?: number };
  readonly sessionMinutes?: number;
  readonly concurrentSessions?: number;
  readonly approval?: {
    readonly groups: readonly Named[];
    readonly count: number;
    readonly minutes: number;
    readonly sessions?: number;
    readonly breakGlass?: true;
  };
}

export interface FileGrant {
  readonly line: number;
  readonly subject: { readonly kind: 'user' | 'group'; readonly of: Named };
  readonly scope: FileScope;
  readonly actions: readonly GrantAction[];
  readonly effect: GrantEffect;
  readonly conditions: FileConditions;
}

/** What somebody wants to be true. A section that is absent is left alone. */
export interface PolicyFile {
  readonly groups?: readonly FileGroup[];
  readonly targetGroups?: readonly Named[];
  readonly targets?: readonly FileTarget[];
  readonly grants?: readonly FileGrant[];
  readonly rules?: readonly FileRule[];
}

export interface ReadPolicy {
  readonly policy: PolicyFile;
  readonly problems: readonly FileProblem[];
}

const LARGEST = 1_000_000;

export function readPolicy(text: string): ReadPolicy {
  const file = new YamlFile(text);
  const { root } = file;
  if (root === undefined) return { policy: {}, problems: file.problems };
  const { groups, targetGroups, targets, grants, rules } = root.fields([
    'groups',
    'targetGroups',
    'targets',
    'grants',
    'rules',
  ]);
  const policy: PolicyFile = {
    ...(groups === undefined ? {} : { groups: once(groups, readGroup, fold) }),
    ...(targetGroups === undefined ? {} : { targetGroups: once(targetGroups, readPath, (path) => path) }),
    ...(targets === undefined ? {} : { targets: once(targets, readTarget, (name) => name) }),
    ...(grants === undefined ? {} : { grants: grants.items().flatMap((place) => readGrant(place) ?? []) }),
    ...(rules === undefined ? {} : { rules: once(rules, readRule, (name) => name) }),
  };
  return { policy, problems: file.problems };
}

/** As the gateway compares names of groups. */
export function fold(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase();
}

/** The items of a section; a name may stand there once. */
function once<T extends Named>(
  section: YamlPlace,
  read: (place: YamlPlace) => T | undefined,
  keyOf: (name: string) => string,
): readonly T[] {
  const seen = new Map<string, number>();
  return section.items().flatMap((place) => {
    const item = read(place);
    if (item === undefined) return [];
    const before = seen.get(keyOf(item.name));
    if (before !== undefined) return place.problem(`is ${JSON.stringify(item.name)} again, after line ${before}`) ?? [];
    seen.set(keyOf(item.name), item.line);
    return [item];
  });
}

function readPath(place: YamlPlace): Named | undefined {
  const path = named(place);
  if (path === undefined) return undefined;
  if (path.name.split('/').some((part) => part.trim() === ''))
    return place.problem(`must be a path like Production/Databases, received ${JSON.stringify(path.name)}`);
  return path;
}

function readGroup(place: YamlPlace): FileGroup | undefined {
  const fields = place.fields(['name', 'description', 'requiresSecondFactor', 'members']);
  const name = needed(place, fields.name, 'a name');
  if (name === undefined) return undefined;
  return {
    ...{ name, line: place.line },
    description: fields.description?.text() ?? '',
    requiresSecondFactor: fields.requiresSecondFactor?.flag() ?? false,
    ...(fields.members === undefined ? {} : { members: fields.members.items().flatMap((item) => named(item) ?? []) }),
  };
}

function textMap(place: YamlPlace | undefined): Record<string, string> {
  return Object.fromEntries(
    (place?.entries() ?? []).flatMap(([key, value]) => {
      const text = value.text();
      return text === undefined ? [] : [[key, text]];
    }),
  );
}

function readTarget(place: YamlPlace): FileTarget | undefined {
  const fields = place.fields([
    ...['name', 'protocol', 'host', 'port', 'group', 'labels', 'description', 'credential', 'jump', 'files'],
    ...['hostKeyPolicy', 'proofMinutes', 'parameters'],
  ]);
  const [name, protocol, host] = [
    needed(place, fields['name'], 'a name'),
    needed(place, fields['protocol'], 'a protocol'),
    needed(place, fields['host'], 'a host'),
  ];
  if (name === undefined || protocol === undefined || host === undefined) return undefined;
  return {
    ...{ name, line: place.line, host, protocol: { name: protocol, line: fields['protocol']?.line ?? place.line } },
    labels: textMap(fields['labels']),
    description: fields['description']?.text() ?? '',
    hostKeyPolicy: fields['hostKeyPolicy']?.word(HOST_KEY_POLICIES) ?? 'ask',
    parameters: valueMap(fields['parameters']),
    ...given({
      port: fields['port']?.whole(1, 65_535),
      group: named(fields['group']),
      credential: named(fields['credential']),
      jump: named(fields['jump']),
      files: named(fields['files']),
      proofMinutes: fields['proofMinutes']?.whole(1, 1_440),
    }),
  };
}

const SUBJECTS = ['user', 'group'] as const;
const SCOPES = ['all', 'target', 'targetGroup', 'labels'] as const;

function readGrant(place: YamlPlace): FileGrant | undefined {
  const fields = place.fields([...SUBJECTS, ...SCOPES, 'actions', 'effect', 'conditions']);
  const only = <N extends string>(names: readonly N[], what: string): N | undefined => {
    const there = names.filter((name) => (fields as Partial<Record<string, YamlPlace>>)[name] !== undefined);
    return there.length === 1
      ? there[0]
      : place.problem(`needs exactly one of ${names.join(', ')} for ${what}, received ${there.length}`);
  };
  const who = only(SUBJECTS, 'whom it is for');
  const which = only(SCOPES, 'the machines it is about');
  const subject = who === undefined ? undefined : named(fields[who]);
  const scope = which === undefined ? undefined : readScope(which, fields[which]);
  if (who === undefined || subject === undefined || scope === undefined) return undefined;
  const actions = (fields.actions?.some() ?? []).flatMap((one) => one.word(GRANT_ACTIONS) ?? []);
  if (fields.actions !== undefined && actions.length === 0) return fields.actions.problem('must name an action');
  return {
    ...{ line: place.line, subject: { kind: who, of: subject }, scope },
    actions: actions.length === 0 ? ['connect'] : [...new Set(actions)],
    effect: fields.effect?.word(GRANT_EFFECTS) ?? 'allow',
    conditions: fields.conditions === undefined ? {} : readConditions(fields.conditions),
  };
}

function readScope(kind: (typeof SCOPES)[number], place: YamlPlace | undefined): FileScope | undefined {
  if (place === undefined) return undefined;
  switch (kind) {
    case 'all':
      return place.flag() === true ? { kind: 'all' } : place.problem('must be true where it is given');
    case 'labels': {
      const selector = listMap(place);
      if (Object.values(selector).every((values) => values.length === 0))
        return place.problem('must name at least one label with a value');
      return { kind: 'labels', selector };
    }
    case 'target':
    case 'targetGroup': {
      const of = named(place);
      return of && { kind: kind === 'target' ? 'target' : 'target-group', of };
    }
  }
}

function readConditions(place: YamlPlace): FileConditions {
  const { times, networks, until, secondFactor, sessionMinutes, concurrentSessions, approval } = place.fields([
    ...(['times', 'networks', 'until', 'secondFactor', 'sessionMinutes', 'concurrentSessions', 'approval'] as const),
  ]);
  return given({
    times: times === undefined ? undefined : readTimes(times),
    networks: networks?.some().flatMap((one) => one.text() ?? []),
    notAfter: until === undefined ? undefined : readMoment(until),
    secondFactor: secondFactor === undefined ? undefined : readSecondFactor(secondFactor),
    sessionMinutes: sessionMinutes?.whole(1, 10_080),
    concurrentSessions: concurrentSessions?.whole(1, 100_000),
    approval: approval === undefined ? undefined : readApproval(approval),
  });
}

function readMoment(place: YamlPlace): number | undefined {
  const text = place.text();
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d{2}-\d{2}(?:T\S+)?$/u.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(time)
    ? place.problem(`must be a time like 2026-12-31T18:00:00Z, received ${JSON.stringify(text)}`)
    : time;
}

function readTimes(place: YamlPlace): FileConditions['times'] {
  const { zone, windows } = place.fields(['zone', 'windows']);
  const name = needed(place, zone, 'a zone');
  if (windows === undefined) return place.problem('needs windows');
  const read = windows.items().flatMap((item) => {
    const { days, from, to } = item.fields(['days', 'from', 'to']);
    const [start, end] = [clockTime(item, from, 'from'), clockTime(item, to, 'to')];
    const on = (days?.some() ?? []).flatMap((day) => day.whole(1, 7) ?? []);
    if (on.length === 0) return item.problem('needs days: 1 for Monday to 7 for Sunday') ?? [];
    return start === undefined || end === undefined ? [] : [{ days: on, from: start, to: end }];
  });
  return name === undefined || read.length === 0 ? undefined : { zone: name, windows: read };
}

function clockTime(item: YamlPlace, place: YamlPlace | undefined, name: string): string | undefined {
  const text = needed(item, place, name);
  if (text === undefined || /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/u.test(text)) return text;
  return place?.problem(`must be a time of day like "08:00", received ${JSON.stringify(text)}`);
}

function readSecondFactor(place: YamlPlace): FileConditions['secondFactor'] {
  const { level, minutes } = place.fields(['level', 'minutes']);
  return { level: level?.word(FACTOR_LEVELS) ?? 'any', ...given({ minutes: minutes?.whole(1, 1_440) }) };
}

function readApproval(place: YamlPlace): FileConditions['approval'] {
  const fields = place.fields(['groups', 'count', 'minutes', 'sessions', 'breakGlass']);
  const groups = allNamed(fields.groups);
  if (groups.length === 0) return place.problem('needs groups: those whose members decide');
  return {
    groups,
    count: fields.count?.whole(1, 20) ?? 1,
    minutes: fields.minutes?.whole(1, 43_200) ?? 480,
    ...given({ sessions: fields.sessions?.whole(1, LARGEST) }),
    ...(fields.breakGlass?.flag() === true ? { breakGlass: true as const } : {}),
  };
}
