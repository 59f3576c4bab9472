import type { GrantAction } from '../access/index.ts';
import type { CredentialId } from '../credential/index.ts';
import type { ParameterValues, ProtocolId } from '../engine/index.ts';
import type { GroupId } from '../identity/index.ts';
import type { HostKeyPolicy, TargetId } from '../target/index.ts';
import type { MachineFacts, NamedScope, SourceRecord } from './discovery-source.ts';

/** All that are given must hold. Patterns know `*` and `?`. */
export interface RuleMatch {
  readonly sources?: readonly string[];
  readonly accounts?: readonly string[];
  readonly regions?: readonly string[];
  readonly platform?: 'linux' | 'windows';
  /** By what the entry is opened: as the first rule without this condition says, the source, or the platform. */
  readonly protocol?: ProtocolId;
  readonly image?: string;
  readonly name?: string;
  /** Every key must be present with one of its values; no values: any value. */
  readonly tags?: Readonly<Record<string, readonly string[]>>;
}

export interface RuleOutcome {
  /** The machine is left out of the catalog. */
  readonly skip?: true;
  readonly protocol?: ProtocolId;
  readonly port?: number;
  readonly credentialId?: CredentialId;
  readonly jumpTargetId?: TargetId;
  readonly hostKeyPolicy?: HostKeyPolicy;
  /** `clouds/{accountName}/{network}`; see `expandTemplate`. */
  readonly group?: string;
  readonly name?: string;
  readonly address?: 'private' | 'private-name' | 'public' | 'public-name';
  readonly parameters?: ParameterValues;
  /** What is kept of what people type, in place of the setting. */
  readonly inputRecording?: 'off' | 'length' | 'echoed';
  /** What these groups may do with the machine. */
  readonly grants?: { readonly groups: readonly GroupId[]; readonly actions: readonly GrantAction[] };
}

export interface Rule {
  readonly name: string;
  readonly enabled: boolean;
  readonly match: RuleMatch;
  readonly outcome: RuleOutcome;
}

/** What rules are asked about. */
export interface Candidate {
  readonly source: Pick<SourceRecord, 'id' | 'kind' | 'name' | 'protectedTags'>;
  readonly scope: NamedScope;
  readonly nativeId: string;
  readonly facts: MachineFacts;
}

/** By what protocol an entry is opened, before rules that match by it are asked. */
export interface OpenedBy {
  readonly protocol: ProtocolId | undefined;
  /** The unprotected tag that chose it. */
  readonly openTag?: string;
  /** It is the machine's further entry. */
  readonly isFurther?: true;
}

/** Why a field is what it is; for people. */
export interface RuleTrace {
  readonly field: keyof RuleOutcome;
  readonly rule: string;
  /** Set where the rule matched by a tag that anybody who may tag machines can set, and was therefore not followed. */
  readonly refusedBecauseOfTag?: string;
}

export interface RuleDecision {
  readonly outcome: RuleOutcome;
  readonly trace: readonly RuleTrace[];
  /** The group was chosen by an unprotected tag: it places the machine and grants nothing. */
  readonly placedByTag: boolean;
}

/** What decides which secret is sent to a machine, through which other one, and who may open it; an unprotected tag must not. */
const GUARDED: ReadonlySet<keyof RuleOutcome> = new Set([
  'credentialId',
  'jumpTargetId',
  'hostKeyPolicy',
  'parameters',
  'inputRecording',
  'grants',
]);

/** What is of one protocol: a further entry takes it from rules that match by protocol alone. */
const OF_PROTOCOL: ReadonlySet<keyof RuleOutcome> = new Set(['protocol', 'port', 'credentialId', 'parameters']);

/** Who may tag a machine may name it. */
export const NAME_TAG = 'Name';

/** By what a machine is opened that no tag asks a further protocol for. */
export function openedBy(
  rules: readonly Rule[],
  candidate: Candidate,
  standard: { readonly protocol: ProtocolId | undefined },
): OpenedBy {
  for (const rule of rules) {
    const { protocol } = rule.outcome;
    if (protocol === undefined || !rule.enabled || rule.match.protocol !== undefined) continue;
    if (!matches(rule.match, candidate, standard)) continue;
    const openTag = openTagOf(rule, candidate, standard);
    return { protocol, ...(openTag === undefined ? {} : { openTag }) };
  }
  return standard;
}

/** The first unprotected tag that the rule matched by. */
function openTagOf({ match }: Rule, { source }: Candidate, opened: OpenedBy): string | undefined {
  const keys = [...Object.keys(match.tags ?? {}), ...(match.name === undefined ? [] : [NAME_TAG])];
  const open = keys.find((key) => !source.protectedTags.includes(key));
  return open ?? (match.protocol === undefined ? undefined : opened.openTag);
}

/** Each field comes from the first rule that matches and sets it. */
export function decide(rules: readonly Rule[], candidate: Candidate, opened: OpenedBy): RuleDecision {
  const outcome: Record<string, unknown> = {};
  const trace: RuleTrace[] = [];
  // INVARIANT: that the entry exists is a tag's doing, and what a tag does gives nobody a right.
  const madeBy = opened.isFurther === true ? opened.openTag : undefined;
  let placedByTag = madeBy !== undefined;
  for (const rule of rules) {
    if (!rule.enabled || !matches(rule.match, candidate, opened)) continue;
    const open = openTagOf(rule, candidate, opened);
    const isOfProtocol = rule.match.protocol !== undefined;
    for (const [name, value] of Object.entries(rule.outcome)) {
      const field = name as keyof RuleOutcome;
      if (value === undefined || field in outcome) continue;
      if (isOfProtocol ? field === 'protocol' : opened.isFurther === true && OF_PROTOCOL.has(field)) continue;
      const refusedBecauseOfTag = field === 'grants' ? (open ?? madeBy) : open;
      if (refusedBecauseOfTag !== undefined && GUARDED.has(field)) {
        trace.push({ field, rule: rule.name, refusedBecauseOfTag });
        continue;
      }
      outcome[field] = value;
      trace.push({ field, rule: rule.name });
      if (field === 'group') placedByTag ||= open !== undefined || usesOpenTag(String(value), candidate);
    }
  }
  return { outcome: outcome, trace, placedByTag };
}

function usesOpenTag(template: string, { source, facts }: Candidate): boolean {
  // Who may tag a network may name it; its id is nobody's choice.
  const words = (facts.networkName ?? '') === '' ? template.replaceAll('{vpcName}', '') : template;
  const keys = [...words.matchAll(/\{(?:tag:([^}]*)|name|vpcName)\}/gu)].map(([, key]) => key ?? NAME_TAG);
  return keys.some((key) => !source.protectedTags.includes(key));
}

function matches(match: RuleMatch, { source, scope, facts }: Candidate, { protocol }: OpenedBy): boolean {
  if (match.sources !== undefined && !match.sources.includes(source.id)) return false;
  if (match.accounts !== undefined && !match.accounts.includes(scope.account)) return false;
  if (match.regions !== undefined && !match.regions.includes(facts.region ?? scope.region)) return false;
  if (match.platform !== undefined && match.platform !== facts.platform) return false;
  if (match.protocol !== undefined && match.protocol !== protocol) return false;
  if (match.image !== undefined && !matchesPattern(match.image, facts.image ?? '')) return false;
  if (match.name !== undefined && !matchesPattern(match.name, facts.name)) return false;
  return Object.entries(match.tags ?? {}).every(
    ([key, values]) =>
      Object.hasOwn(facts.tags, key) && (values.length === 0 || values.includes(facts.tags[key] ?? '')),
  );
}

/** `*` is any text, `?` one character; letters compare without case. Linear in the text for each star. */
function matchesPattern(pattern: string, text: string): boolean {
  const wanted = [...pattern.toLowerCase()];
  const given = [...text.toLowerCase()];
  let at = 0;
  let star = -1;
  let resume = 0;
  let index = 0;
  while (index < given.length) {
    if (at < wanted.length && (wanted[at] === '?' || (wanted[at] === given[index] && wanted[at] !== '*'))) {
      at++;
      index++;
    } else if (wanted[at] === '*') {
      star = at++;
      resume = index;
    } else if (star >= 0) {
      at = star + 1;
      index = ++resume;
    } else return false;
  }
  while (wanted[at] === '*') at++;
  return at === wanted.length;
}

const LONGEST_SEGMENT = 100;
const LONGEST_NAME = 190;

const PLAIN_ALREADY = /^[!-~]+(?: [!-~]+)*$/u;

/** Control characters, bidirectional overrides and line ends never reach a name. */
export function plainText(text: string, longest: number): string {
  // What nearly all texts of clouds are is seen at one look.
  if (text.length <= longest && PLAIN_ALREADY.test(text)) return text;
  const plain = text
    .normalize('NFC')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, ' ')
    .replaceAll(/\s+/gu, ' ')
    .trim();
  return [...plain].slice(0, longest).join('').trim();
}

/** `{account}`, `{accountName}`, `{region}`, `{id}`, `{name}`, `{network}`, `{vpcName}`, `{subnet}`, `{zone}`, `{image}`, `{size}`, `{source}`, `{tag:KEY}`. */
function expandTemplate(template: string, candidate: Candidate): string {
  const { source, scope, nativeId, facts } = candidate;
  const known: Readonly<Record<string, string | undefined>> = {
    account: scope.account,
    accountName: scope.accountName,
    region: facts.region ?? scope.region,
    id: nativeId,
    name: facts.name,
    network: facts.network,
    vpcName: networkNameOf(facts),
    subnet: facts.subnet,
    zone: facts.zone,
    image: facts.image,
    size: facts.size,
    source: source.name,
  };
  return template.replaceAll(/\{([^{}]*)\}/gu, (_whole, word: string) => {
    if (!word.startsWith('tag:')) return Object.hasOwn(known, word) ? (known[word] ?? '') : '';
    const key = word.slice('tag:'.length);
    return Object.hasOwn(facts.tags, key) ? (facts.tags[key] ?? '') : '';
  });
}

function networkNameOf({ network, networkName = '' }: MachineFacts): string | undefined {
  return networkName === '' ? network : networkName;
}

/** INVARIANT: a value put into a template makes one segment, whatever it holds; an empty one makes none. */
export function groupPath(template: string, candidate: Candidate): readonly string[] {
  return template
    .split('/')
    .map((segment) => plainText(expandTemplate(segment, candidate).replaceAll('/', ' '), LONGEST_SEGMENT))
    .filter((segment) => segment !== '');
}

export function machineName(template: string | undefined, candidate: Candidate): string {
  const name = plainText(expandTemplate(template ?? '{name}', candidate), LONGEST_NAME);
  return name === '' ? plainText(candidate.nativeId.split('/').at(-1) ?? '', LONGEST_NAME) : name;
}
