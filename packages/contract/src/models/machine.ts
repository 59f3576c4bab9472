import { FACTOR_LEVELS, GRANT_ACTIONS, GRANT_EFFECTS, UNMET_CONDITIONS } from '@enchilada/core/access';
import { CREDENTIAL_KINDS } from '@enchilada/core/credential';
import { SURFACES } from '@enchilada/core/engine';
import { HOST_KEY_POLICIES } from '@enchilada/core/target';
import { Type, type Static } from 'typebox';
import { CertificateTerms, SecretReference } from './authority.ts';
import {
  closed,
  Count,
  Cursor,
  Id,
  Limit,
  lines,
  list,
  map,
  text,
  Time,
  Version,
  words,
  writeOnly,
} from '../schema.ts';

export const Label = Type.String({ maxLength: 200, pattern: '^[^\\u0000-\\u001f\\u007f]*$' });
export const Labels = map(Label, { names: '^[A-Za-z0-9][A-Za-z0-9_.:/-]*$', maxProperties: 50 });
/** A name or an address; IPv6 without brackets. */
export const Host = Type.String({
  minLength: 1,
  maxLength: 253,
  pattern: '^[A-Za-z0-9_](?:[A-Za-z0-9_.:-]*[A-Za-z0-9_:.])?$|^::[0-9A-Fa-f:.]*$',
});
export const Port = Type.Integer({ minimum: 1, maximum: 65_535 });
export const ParameterValues = map(
  Type.Union([
    Type.String({ maxLength: 4096 }),
    Type.Number(),
    Type.Boolean(),
    list(Type.String({ maxLength: 4096 }), 200),
  ]),
  { names: '^[A-Za-z][A-Za-z0-9]*$', maxProperties: 100 },
);
export const LocalizedText = closed({ en: Type.String({ maxLength: 500 }), de: Type.String({ maxLength: 500 }) });
const Surface = words(SURFACES);
const Action = words(GRANT_ACTIONS);

/** A machine as the person who may use it sees it. */
export const Machine = closed({
  id: Id,
  name: text(200, 1),
  host: text(253),
  port: Port,
  protocol: text(40),
  protocolLabel: LocalizedText,
  /** The protocol has no encryption. */
  cleartext: Type.Optional(Type.Boolean()),
  surface: Surface,
  groupId: Type.Optional(Id),
  labels: Labels,
  description: text(2000),
  actions: list(Action, 20),
  builtIn: Type.Boolean(),
  /** It is opened with an approval alone, and how that stands. */
  approval: Type.Optional(
    closed({
      state: words(['needed', 'pending', 'approved']),
      requestId: Type.Optional(Id),
      from: Type.Optional(Time),
      until: Type.Optional(Time),
    }),
  ),
  lastUsedAt: Type.Optional(Time),
});
export type Machine = Static<typeof Machine>;

/** `text` searches name, address, label, group and protocol; words are all required. */
export const MachineQuery = closed({
  text: Type.Optional(text(200)),
  groupId: Type.Optional(Id),
  /** `key` or `key:value`. */
  label: Type.Optional(text(300)),
  ids: Type.Optional(Type.String({ maxLength: 4000, pattern: '^[a-z0-9_]+(,[a-z0-9_]+)*$' })),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});
export const MachinePage = closed({ items: list(Machine, 500), next: Type.Optional(Cursor), total: Count });
export const RecentMachines = closed({ items: list(Machine, 50) });

/** `machines` counts what the person may use in the group and below. */
export const MachineGroup = closed({ id: Id, parentId: Type.Optional(Id), name: text(200, 1), machines: Count });
export type MachineGroup = Static<typeof MachineGroup>;

const FieldBase = {
  name: text(60, 1),
  label: LocalizedText,
  help: Type.Optional(LocalizedText),
  group: LocalizedText,
  required: Type.Optional(Type.Boolean()),
  when: Type.Optional(closed({ field: text(60, 1), is: text(200) })),
  weakens: Type.Optional(Type.Boolean()),
};
const Pattern = Type.Optional(Type.String({ maxLength: 500 }));
export const ParameterField = Type.Union([
  closed({
    ...FieldBase,
    kind: Type.Literal('text'),
    default: Type.Optional(text(4096)),
    maxLength: Count,
    pattern: Pattern,
  }),
  closed({
    ...FieldBase,
    kind: Type.Literal('number'),
    default: Type.Optional(Type.Number()),
    minimum: Type.Number(),
    maximum: Type.Number(),
    unit: Type.Optional(text(20)),
  }),
  closed({ ...FieldBase, kind: Type.Literal('boolean'), default: Type.Boolean() }),
  closed({
    ...FieldBase,
    kind: Type.Literal('choice'),
    default: text(200),
    options: list(closed({ value: text(200), label: LocalizedText }), 100),
  }),
  closed({ ...FieldBase, kind: Type.Literal('list'), maxItems: Count, maxLength: Count, pattern: Pattern }),
]);
export type ParameterField = Static<typeof ParameterField>;

export const Engine = closed({
  id: text(40, 1),
  label: LocalizedText,
  surface: Surface,
  defaultPort: Port,
  parameters: list(ParameterField, 200),
  credentialKinds: list(words(CREDENTIAL_KINDS), 20),
  jumpHosts: Type.Boolean(),
  carries: Type.Optional(Type.Boolean()),
  /** Its sessions have files, and its machines can hold those of sessions of other protocols. */
  holdsFiles: Type.Optional(Type.Boolean()),
  hostKeys: Type.Boolean(),
  cleartext: Type.Optional(Type.Boolean()),
  /** Name of the protocol's own file that machines can be imported from; the import's format is then the engine's id. */
  importsFile: Type.Optional(LocalizedText),
});
export type Engine = Static<typeof Engine>;

const TargetFields = {
  name: text(200, 1),
  protocol: text(40, 1),
  host: Host,
  port: Port,
  groupId: Type.Optional(Id),
  labels: Labels,
  description: text(2000),
  parameters: ParameterValues,
  credentialId: Type.Optional(Id),
  jumpTargetId: Type.Optional(Id),
  /** The machine that has the files of sessions on this one; its own grants decide who gets at them. */
  filesTargetId: Type.Optional(Id),
  hostKeyPolicy: words(HOST_KEY_POLICIES),
  /** Opening it asks for a second factor at most so many minutes old. Absent: sign-in is enough. */
  proofMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1440 })),
};
/** A machine as its administrator sees it. */
export const Target = closed({
  ...TargetFields,
  host: text(253),
  id: Id,
  builtIn: Type.Boolean(),
  version: Version,
  createdAt: Time,
  updatedAt: Time,
});
export type Target = Static<typeof Target>;
export const TargetCreate = closed({
  ...TargetFields,
  port: Type.Optional(Port),
  labels: Type.Optional(Labels),
  description: Type.Optional(text(2000)),
  parameters: Type.Optional(ParameterValues),
  hostKeyPolicy: Type.Optional(words(HOST_KEY_POLICIES)),
});
/** The whole machine: what is absent is cleared. */
export const TargetUpdate = closed({ ...TargetFields, version: Version });
export const TargetQuery = closed({
  text: Type.Optional(text(200)),
  groupId: Type.Optional(Id),
  /** Of one of these alone, with commas between. */
  protocols: Type.Optional(text(400, 1)),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});
export const TargetPage = closed({ items: list(Target, 500), next: Type.Optional(Cursor), total: Count });

export const TargetImport = closed({
  /** `csv`, `yaml`, or the id of an engine that imports a file of its protocol's own. */
  format: text(40, 1),
  text: Type.String({ minLength: 1, maxLength: 8_000_000 }),
  preview: Type.Boolean(),
});
/** One line of the file. `problems` is empty where the row is good; nothing is saved unless every row is. */
export const ImportRow = closed({
  line: Count,
  name: Type.String({ maxLength: 300 }),
  host: Type.String({ maxLength: 300 }),
  protocol: Type.String({ maxLength: 100 }),
  outcome: words(['create', 'update', 'refused']),
  problems: list(closed({ field: Type.String({ maxLength: 100 }), message: Type.String({ maxLength: 1000 }) }), 100),
});
export const ImportResult = closed({
  saved: Type.Boolean(),
  created: Count,
  updated: Count,
  refused: Count,
  rows: list(ImportRow, 100_000),
});
export type ImportResult = Static<typeof ImportResult>;

export const TargetGroup = closed({ id: Id, parentId: Type.Optional(Id), name: text(200, 1) });
export type TargetGroup = Static<typeof TargetGroup>;
export const TargetGroupWrite = closed({ parentId: Type.Optional(Id), name: text(200, 1) });

export const Credential = closed({
  id: Id,
  name: text(200, 1),
  kind: words(CREDENTIAL_KINDS),
  username: text(256),
  /** Whether a secret is stored; it can be replaced and never read. */
  hasSecret: Type.Boolean(),
  publicFingerprint: Type.Optional(text(100)),
  terms: Type.Optional(CertificateTerms),
  reference: Type.Optional(SecretReference),
  targets: Count,
  version: Version,
  createdAt: Time,
  updatedAt: Time,
});
export type Credential = Static<typeof Credential>;
const Secrets = {
  secret: Type.Optional(writeOnly(4096)),
  privateKey: Type.Optional(writeOnly(32_768)),
  passphrase: Type.Optional(writeOnly(4096)),
};
/** `secret` is the password of the kind `password`; `privateKey` is OpenSSH or PEM text. */
export const CredentialCreate = closed({
  name: text(200, 1),
  kind: words(CREDENTIAL_KINDS),
  username: text(256),
  terms: Type.Optional(CertificateTerms),
  reference: Type.Optional(SecretReference),
  ...Secrets,
});
/** Secrets that are absent stay as they are. */
export const CredentialUpdate = closed({
  name: text(200, 1),
  username: text(256),
  /** Absent: as they are. */
  terms: Type.Optional(CertificateTerms),
  reference: Type.Optional(SecretReference),
  ...Secrets,
  version: Version,
});

export const HostKey = closed({
  keyType: text(100, 1),
  fingerprint: text(100, 1),
  state: words(['pinned', 'revoked']),
  pinnedAt: Time,
  /** The id of a person, or `trust-first` or `asked`: by the machine's policy, at the first contact. */
  pinnedBy: text(200),
  /** Absent: by the policy, or by a person who is no more. */
  pinnedByName: Type.Optional(text(256)),
});
export type HostKey = Static<typeof HostKey>;
/** The public key as in `known_hosts` or `ssh-keyscan`: type and base64; or a machine's certificate in PEM. */
export const HostKeyPin = closed({ publicKey: lines(8000) });
export const HostKeyParams = closed({
  id: Id,
  fingerprint: Type.String({ maxLength: 100, pattern: '^SHA256:[A-Za-z0-9+/]{43}$' }),
});

export const GrantSubject = closed({ kind: words(['user', 'group']), id: Id });
export const GrantScope = Type.Union([
  closed({ kind: Type.Literal('all') }),
  closed({ kind: Type.Literal('target'), id: Id }),
  closed({ kind: Type.Literal('target-group'), id: Id }),
  closed({
    kind: Type.Literal('labels'),
    selector: map(list(Label, 100), { names: '^[A-Za-z0-9][A-Za-z0-9_.:/-]*$', maxProperties: 20 }),
  }),
]);
const TimeOfDay = Type.String({ minLength: 5, maxLength: 5, pattern: '^(?:([01]\\d|2[0-3]):[0-5]\\d|24:00)$' });
export const GrantConditions = closed({
  times: Type.Optional(
    closed({
      /** IANA name. */
      zone: text(64, 1),
      windows: Type.Array(
        closed({
          /** 1 is Monday. */
          days: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), { minItems: 1, maxItems: 7, uniqueItems: true }),
          from: TimeOfDay,
          to: TimeOfDay,
        }),
        { minItems: 1, maxItems: 20 },
      ),
    }),
  ),
  networks: Type.Optional(Type.Array(text(64, 1), { minItems: 1, maxItems: 100 })),
  notAfter: Type.Optional(Time),
  /** The login has a second factor, proved so long ago at most when the machine is opened; `passkey`: one that cannot be phished. */
  secondFactor: Type.Optional(
    closed({
      level: words(FACTOR_LEVELS),
      minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1440 })),
    }),
  ),
  /** How long a session that rests on the grant may last. */
  sessionMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_080 })),
  /** How many live sessions may rest on the grant at once, of all its people together. */
  concurrentSessions: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  /** It gives nothing by itself: it is asked for, and others agree. */
  approval: Type.Optional(
    closed({
      /** Of people, whose members decide. */
      groups: Type.Array(Id, { minItems: 1, maxItems: 50, uniqueItems: true }),
      count: Type.Integer({ minimum: 1, maximum: 20 }),
      /** The longest span that may be asked for. */
      minutes: Type.Integer({ minimum: 1, maximum: 43_200 }),
      /** How many sessions an approval is good for; one where absent. */
      sessions: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
      breakGlass: Type.Optional(Type.Boolean()),
    }),
  ),
});
export type GrantConditions = Static<typeof GrantConditions>;
/** Names are filled in, so that the interface can write a sentence without further requests. */
export const Grant = closed({
  id: Id,
  subject: GrantSubject,
  subjectName: text(200),
  scope: GrantScope,
  scopeName: Type.Optional(text(200)),
  actions: list(Action, 20),
  effect: words(GRANT_EFFECTS),
  conditions: Type.Optional(GrantConditions),
  createdAt: Time,
  createdBy: text(200),
});
export type Grant = Static<typeof Grant>;
export const GrantCreate = closed({
  subject: GrantSubject,
  scope: GrantScope,
  actions: Type.Array(Action, { minItems: 1, maxItems: 20, uniqueItems: true }),
  /** `deny` wins over every grant that allows. Absent: allow. */
  effect: Type.Optional(words(GRANT_EFFECTS)),
  conditions: Type.Optional(GrantConditions),
});

/** A grant to be given, or the id of one to be withdrawn. */
export const GrantChange = closed({ add: Type.Optional(GrantCreate), remove: Type.Optional(Id) });
const EffectSide = closed({ people: Count, machines: Count });
export const GrantEffect = closed({
  gain: EffectSide,
  lose: EffectSide,
  /** Whom it changes something for, the first thousand of them. */
  people: list(closed({ userId: Id, username: text(128), gained: Count, lost: Count }), 1_000),
  /** Names of some of the machines. */
  machines: list(text(200), 20),
  /** Only at times or from networks; a denial with such conditions changes what there is at all for nobody. */
  conditional: Type.Boolean(),
});

/** One of the grants about a person and a machine. */
export const AccessFinding = closed({
  grant: Grant,
  counts: Type.Boolean(),
  /** Conditions that do not hold. */
  unmet: list(words(UNMET_CONDITIONS), 5),
});
export const AccessExplanation = closed({
  targetId: Id,
  targetName: text(200),
  userId: Id,
  username: text(128),
  /** What the person may do now. */
  actions: list(Action, 20),
  findings: list(AccessFinding, 10_000),
  /** What stands in the way beside grants. */
  obstacles: list(
    words([
      'account-disabled',
      'no-machine-permission',
      'second-factor',
      'passkey',
      'machine-gone',
      /** The grants let sessions go unrecorded; the installation or a rule about the machine does not. */
      'recorded-all-the-same',
    ]),
    6,
  ),
});
export type AccessExplanation = Static<typeof AccessExplanation>;
export const OwnAccess = closed({
  actions: AccessExplanation.properties.actions,
  unmet: AccessFinding.properties.unmet,
  obstacles: AccessExplanation.properties.obstacles,
});
/** At a past moment, in milliseconds since the Unix epoch; without it, now. */
export const MomentQuery = closed({ at: Type.Optional(Time) });
export const AccessQuery = closed({
  ...MomentQuery.properties,
  userId: Id,
  targetId: Id,
  address: Type.Optional(text(64, 1)),
});
export const TargetAccess = closed({
  items: list(
    closed({
      userId: Id,
      username: text(128),
      displayName: text(200),
      actions: list(Action, 20),
      grantIds: list(Id, 10_000),
      /** Not now: a time or a network of the grant is another one. */
      conditional: Type.Boolean(),
    }),
    100_000,
  ),
});
export type TargetAccess = Static<typeof TargetAccess>;
