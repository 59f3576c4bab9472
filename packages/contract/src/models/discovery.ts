import { GRANT_ACTIONS } from '@enchilada/core/access';
import { HOST_KEY_POLICIES } from '@enchilada/core/target';
import { Type, type Static } from 'typebox';
import { closed, Count, Cursor, Id, Limit, list, map, text, Time, Version, words } from '../schema.ts';
import { LocalizedText, ParameterField, ParameterValues, Port } from './machine.ts';

const Tag = Type.String({ minLength: 1, maxLength: 128, pattern: '^[^\\u0000-\\u001f\\u007f]+$' });
const Kind = text(40, 1);

/** A kind of source and its form. */
export const SourceKindManifest = closed({
  kind: Kind,
  label: LocalizedText,
  parameters: list(ParameterField, 100),
  /** The form shows the external id that roles ask for. */
  usesExternalId: Type.Optional(Type.Literal(true)),
});
export type SourceKindManifest = Static<typeof SourceKindManifest>;

const SourceFields = {
  name: text(100, 1),
  parameters: ParameterValues,
  /** Tag keys that only trusted people can set: they become labels that grants may select, and rules may choose credentials by them. */
  protectedTags: list(Tag, 50),
  enabled: Type.Boolean(),
};
export const Source = closed({
  ...SourceFields,
  id: Id,
  kind: Kind,
  /** What a reader role must ask for, so that it can be assumed for this source alone. */
  externalId: text(100),
  machines: Count,
  missing: Count,
  scopes: Count,
  staleScopes: Count,
  heldScopes: Count,
  /** Scopes that the source no longer lists. */
  retiredScopes: Count,
  /** Scopes of which a listing or events are overdue. */
  lateScopes: Count,
  /** What is wrong with the source as a whole, as some node met it lately. */
  troubles: list(
    closed({
      part: words(['settings', 'accounts', 'regions', 'events', 'endings', 'trust', 'networks']),
      /** Empty where it concerns the source as a whole. */
      account: text(64),
      since: Time,
      code: text(60),
      detail: text(1000),
    }),
    20_000,
  ),
  lastEventAt: Type.Optional(Time),
  lastSweepAt: Type.Optional(Time),
  version: Version,
  createdAt: Time,
  updatedAt: Time,
});
export type Source = Static<typeof Source>;
export const SourceCreate = closed({ ...SourceFields, kind: Kind });
export const SourceUpdate = closed({ ...SourceFields, version: Version });

export const SourceScope = closed({
  account: text(64),
  accountName: text(200),
  region: text(64),
  machines: Count,
  missing: Count,
  lastEventAt: Type.Optional(Time),
  lastSweepAt: Type.Optional(Time),
  /** Since when listings fail; the machines shown are those known then. */
  staleSince: Type.Optional(Time),
  problem: Type.Optional(closed({ code: text(60), detail: text(1000) })),
  heldSince: Type.Optional(Time),
  /** Since when the source no longer lists it: no events are taken, nothing is listed, and its machines go after the grace. */
  retiredAt: Type.Optional(Time),
  /** How long after it happened the last event was taken in. */
  eventLagMs: Type.Optional(Count),
  /** What is overdue although nothing failed: the listing, events that come minutes after they happened, or events that do not come at all. */
  late: list(words(['listing', 'events', 'unannounced']), 3),
  /** Machines whose removal waits for a person. */
  held: list(text(400), 100_000),
});
export type SourceScope = Static<typeof SourceScope>;
export const HeldQuery = closed({
  account: text(64, 1),
  region: text(64),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});
/** Machines that go when a person agrees, as they are called in the catalog. */
export const HeldPage = closed({
  items: list(closed({ machine: text(400), name: text(300), host: Type.Optional(text(300)) }), 500),
  next: Type.Optional(Cursor),
});
export const AcceptRemovals = closed({ account: text(64, 1), region: text(64), machines: list(text(400, 1), 100_000) });

const Pattern = text(200, 1);
export const Rule = closed({
  name: text(100, 1),
  enabled: Type.Boolean(),
  match: closed({
    sources: Type.Optional(list(Id, 100)),
    accounts: Type.Optional(list(text(64, 1), 5_000)),
    regions: Type.Optional(list(text(64, 1), 100)),
    platform: Type.Optional(words(['linux', 'windows'])),
    /** By what the entry is opened, before rules with this condition are asked. */
    protocol: Type.Optional(text(40, 1)),
    image: Type.Optional(Pattern),
    name: Type.Optional(Pattern),
    tags: Type.Optional(map(list(text(256), 100), { names: '^[^\\u0000-\\u001f\\u007f]+$', maxProperties: 20 })),
  }),
  outcome: closed({
    skip: Type.Optional(Type.Literal(true)),
    protocol: Type.Optional(text(40, 1)),
    port: Type.Optional(Port),
    credentialId: Type.Optional(Id),
    jumpTargetId: Type.Optional(Id),
    hostKeyPolicy: Type.Optional(words(HOST_KEY_POLICIES)),
    group: Type.Optional(text(500, 1)),
    name: Type.Optional(text(200, 1)),
    address: Type.Optional(words(['private', 'private-name', 'public', 'public-name'])),
    parameters: Type.Optional(ParameterValues),
    inputRecording: Type.Optional(words(['off', 'length', 'echoed'])),
    /** One grant for each group, kept as the rule says for as long as it says so. */
    grants: Type.Optional(closed({ groups: list(Id, 50), actions: list(words(GRANT_ACTIONS), 10) })),
  }),
});
export type Rule = Static<typeof Rule>;
export const RuleSet = closed({ rules: list(Rule, 500), version: Version });
export const RulesSaved = closed({ version: Version, changed: Count });

const Trace = closed({ field: text(40), rule: text(100), refusedBecauseOfTag: Type.Optional(text(256)) });
const Omission = words(['deleted', 'untagged', 'rule', 'no-address', 'no-protocol']);

/** Templates that give a source what it needs in its cloud. */
export const Onboarding = closed({
  files: list(
    closed({
      name: text(100, 1),
      text: Type.String({ maxLength: 200_000 }),
      use: LocalizedText,
      commands: Type.Array(text(2_000, 1), {
        maxItems: 10,
        description: 'Lines of a shell that deploy it, in this order; words in capitals are to be replaced.',
      }),
    }),
    20,
  ),
});

/** An account and region that a preview looks at. */
const PreviewScope = closed({
  account: text(64),
  accountName: text(200),
  region: text(64),
  /** Whose it is, where known machines are judged. */
  sourceId: Type.Optional(Id),
  /** The source no longer lists it: what is known of it goes. */
  leaves: Type.Optional(Type.Literal(true)),
});

/** A draft, or a saved source by its id; rules may be tried before they are saved. */
export const PreviewRequest = closed({
  sourceId: Type.Optional(Id),
  source: Type.Optional(SourceCreate),
  rules: Type.Optional(list(Rule, 500)),
  /** Judges what is known already, of one source or of all, and asks no cloud: for trying rules. */
  known: Type.Optional(Type.Literal(true)),
  /** Goes on with what an answer left: up to 500 of its `rest`. */
  scopes: Type.Optional(list(PreviewScope, 500)),
});
export const PreviewMachine = closed({
  machine: text(400),
  name: text(300),
  account: text(64),
  accountName: text(200),
  region: text(64),
  effect: words(['appears', 'changes', 'goes', 'stays', 'left-out']),
  group: Type.Optional(text(2_000)),
  protocol: Type.Optional(text(40)),
  host: Type.Optional(text(300)),
  omitted: Type.Optional(Omission),
  trace: list(Trace, 50),
});
export const DiscoveryPreview = closed({
  /** The counts are exact over the scopes that were looked at, however many machines are listed. */
  appears: Count,
  changes: Count,
  goes: Count,
  stays: Count,
  leftOut: Count,
  /** The first of each effect, what goes before all others. */
  machines: list(PreviewMachine, 500),
  failures: list(closed({ account: text(64), region: text(64), code: text(60), detail: text(1000) }), 100_000),
  /** Accounts and regions that this answer counts. */
  scopes: Count,
  /** Those that were not looked at yet, for want of time: to be asked for next. */
  rest: list(PreviewScope, 500_000),
});
export type DiscoveryPreview = Static<typeof DiscoveryPreview>;

export const SweepSummary = closed({ complete: Count, held: Count, failed: Count, changes: Count, seen: Count });

export const DiscoveryChange = closed({
  id: Id,
  at: Time,
  sourceId: Id,
  account: text(64),
  region: text(64),
  machine: text(400),
  name: text(300),
  kind: words(['appeared', 'changed', 'returned', 'missing', 'gone', 'placed']),
  cause: words(['event', 'sweep', 'rules']),
  targetId: Type.Optional(Id),
});
export type DiscoveryChange = Static<typeof DiscoveryChange>;
export const ChangeQuery = closed({
  sourceId: Type.Optional(Id),
  targetId: Type.Optional(Id),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});
export const ChangePage = closed({ items: list(DiscoveryChange, 500), next: Type.Optional(Cursor) });

export const FoundExplanation = closed({
  origin: Type.Literal('found'),
  sourceId: Id,
  sourceName: text(100),
  account: text(64),
  accountName: text(200),
  region: text(64),
  machine: text(400),
  platform: words(['linux', 'windows']),
  state: text(20),
  firstSeenAt: Time,
  observedAt: Time,
  missingSince: Type.Optional(Time),
  goneAt: Type.Optional(Time),
  launchedBy: Type.Optional(text(300)),
  omitted: Type.Optional(Omission),
  trace: list(Trace, 50),
  /** Fields that a person changed; discovery leaves them alone. */
  changedByHand: list(text(40), 20),
});
export type FoundExplanation = Static<typeof FoundExplanation>;

/** Why a machine is in the catalog, and why it is as it is. */
export const Explanation = Type.Union([
  FoundExplanation,
  /** A person added it, or a source that was removed found it: nothing keeps it up to date. */
  closed({ origin: words(['by-hand', 'source-removed']), addedAt: Time }),
]);
export type Explanation = Static<typeof Explanation>;
