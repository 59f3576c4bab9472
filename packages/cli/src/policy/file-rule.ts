import { GRANT_ACTIONS, type GrantAction } from '@enchilada/core/access';
import { HOST_KEY_POLICIES, type HostKeyPolicy } from '@enchilada/core/target';
import { allNamed, given, listMap, type Named, named, needed, valueMap } from './file-fields.ts';
import type { YamlPlace } from './yaml-place.ts';

const ADDRESSES = ['private', 'private-name', 'public', 'public-name'] as const;
const INPUTS = ['off', 'length', 'echoed'] as const;
const PLATFORMS = ['linux', 'windows'] as const;

/** A rule of discovery, with names where the gateway has ids. */
export interface FileRule extends Named {
  readonly enabled: boolean;
  readonly match: {
    readonly sources?: readonly Named[];
    readonly accounts?: string[];
    readonly regions?: string[];
    readonly platform?: (typeof PLATFORMS)[number];
    readonly image?: string;
    readonly name?: string;
    readonly tags?: Record<string, string[]>;
  };
  readonly outcome: {
    readonly skip?: true;
    readonly protocol?: string;
    readonly port?: number;
    readonly credential?: Named;
    readonly jump?: Named;
    readonly hostKeyPolicy?: HostKeyPolicy;
    readonly group?: string;
    readonly name?: string;
    readonly address?: (typeof ADDRESSES)[number];
    readonly parameters?: Record<string, string | number | boolean | string[]>;
    readonly inputRecording?: (typeof INPUTS)[number];
    readonly grants?: { readonly groups: readonly Named[]; readonly actions: GrantAction[] };
  };
}

export function readRule(place: YamlPlace): FileRule | undefined {
  const fields = place.fields(['name', 'enabled', 'match', 'outcome']);
  const name = needed(place, fields.name, 'a name');
  if (name === undefined) return undefined;
  return {
    ...{ name, line: place.line, enabled: fields.enabled?.flag() ?? true },
    match: fields.match === undefined ? {} : readMatch(fields.match),
    outcome: fields.outcome === undefined ? {} : readOutcome(fields.outcome),
  };
}

function texts(place: YamlPlace | undefined): string[] | undefined {
  return place?.some().flatMap((one) => one.text() ?? []);
}

function readMatch(place: YamlPlace): FileRule['match'] {
  const fields = place.fields(['sources', 'accounts', 'regions', 'platform', 'image', 'name', 'tags']);
  return given({
    sources: fields.sources === undefined ? undefined : allNamed(fields.sources),
    accounts: texts(fields.accounts),
    regions: texts(fields.regions),
    platform: fields.platform?.word(PLATFORMS),
    image: fields.image?.text(),
    name: fields.name?.text(),
    tags: fields.tags === undefined ? undefined : listMap(fields.tags),
  });
}

function readOutcome(place: YamlPlace): FileRule['outcome'] {
  const fields = place.fields([
    ...(['skip', 'protocol', 'port', 'credential', 'jump', 'hostKeyPolicy', 'group', 'name', 'address'] as const),
    ...(['parameters', 'inputRecording', 'grants'] as const),
  ]);
  return given({
    skip: fields.skip?.flag() === true ? (true as const) : undefined,
    protocol: fields.protocol?.text(),
    port: fields.port?.whole(1, 65_535),
    credential: named(fields.credential),
    jump: named(fields.jump),
    hostKeyPolicy: fields.hostKeyPolicy?.word(HOST_KEY_POLICIES),
    group: fields.group?.text(),
    name: fields.name?.text(),
    address: fields.address?.word(ADDRESSES),
    parameters: fields.parameters === undefined ? undefined : valueMap(fields.parameters),
    inputRecording: fields.inputRecording?.word(INPUTS),
    grants: fields.grants === undefined ? undefined : readRuleGrants(fields.grants),
  });
}

function readRuleGrants(place: YamlPlace): FileRule['outcome']['grants'] {
  const { groups, actions } = place.fields(['groups', 'actions']);
  const may = (actions?.some() ?? []).flatMap((one) => one.word(GRANT_ACTIONS) ?? []);
  return { groups: allNamed(groups), actions: may.length === 0 ? ['connect'] : may };
}
