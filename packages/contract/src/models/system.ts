import { AUDIT_ACTIONS } from '@enchilada/core/audit';
import { FACTOR_DEMANDS } from '@enchilada/core/identity';
import { Type, type Static } from 'typebox';
import { closed, Count, Cursor, Facts, Id, Limit, lines, list, text, Time, words } from '../schema.ts';
import { DESKTOP_INPUT } from './recording.ts';

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });

export const AuditRecord = closed({
  node: Type.String({ maxLength: 200 }),
  sequence: Count,
  at: Time,
  action: words(AUDIT_ACTIONS),
  actor: closed({
    kind: words(['user', 'anonymous', 'system']),
    id: Type.Optional(Type.String({ maxLength: 200 })),
    name: Type.Optional(Type.String({ maxLength: 500 })),
  }),
  address: Type.Optional(Type.String({ maxLength: 100 })),
  object: Type.Optional(
    closed({
      kind: Type.String({ maxLength: 100 }),
      id: Type.String({ maxLength: 500 }),
      name: Type.Optional(Type.String({ maxLength: 500 })),
    }),
  ),
  outcome: words(['success', 'failure', 'denied']),
  reason: Type.Optional(Type.String({ maxLength: 2000 })),
  detail: Type.Optional(Facts),
  previous: Hash,
  hash: Hash,
});
export type AuditRecord = Static<typeof AuditRecord>;

const AuditFilter = {
  action: Type.Optional(text(100)),
  actor: Type.Optional(text(200)),
  object: Type.Optional(text(200)),
  outcome: Type.Optional(words(['success', 'failure', 'denied'])),
  address: Type.Optional(text(64)),
  text: Type.Optional(text(200)),
  from: Type.Optional(Time),
  to: Type.Optional(Time),
};
export const AuditQuery = closed({
  ...AuditFilter,
  order: Type.Optional(words(['newest', 'oldest'])),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});
export const AuditPage = closed({ items: list(AuditRecord, 500), next: Type.Optional(Cursor) });
export const AuditExportQuery = closed({ ...AuditFilter, format: words(['csv', 'jsonl']) });
/** One entry a chain; `brokenAt` is the first sequence number whose hash or link does not hold. */
export const AuditVerification = closed({
  intact: Type.Boolean(),
  chains: list(
    closed({
      node: Type.String({ maxLength: 200 }),
      records: Count,
      intact: Type.Boolean(),
      brokenAt: Type.Optional(Count),
      problem: Type.Optional(text(500)),
    }),
    10_000,
  ),
});
export type AuditVerification = Static<typeof AuditVerification>;

const Minutes = Type.Integer({ minimum: 1, maximum: 525_600 });
export const SettingValues = closed({
  bannerText: lines(8000),
  bannerConsent: Type.Boolean(),
  /** Whether command lines may be signed in by way of a browser (RFC 8628). */
  deviceSignIn: Type.Boolean(),
  /** Whether people may play their own recordings. */
  ownRecordings: Type.Boolean(),
  inputRecording: words(['off', 'length', 'echoed']),
  desktopInput: words(DESKTOP_INPUT),
  /** Of whom a second factor is demanded at sign-in. */
  secondFactor: words(FACTOR_DEMANDS),
  loginIdleMinutes: Minutes,
  loginAbsoluteMinutes: Minutes,
  sessionIdleMinutes: Minutes,
  sessionMaxMinutes: Minutes,
  sessionGraceSeconds: Type.Integer({ minimum: 0, maximum: 86_400 }),
  sessionsPerUser: Type.Integer({ minimum: 1, maximum: 10_000 }),
  /** Besides whoever controls it. */
  watchersPerSession: Type.Integer({ minimum: 1, maximum: 1_000 }),
});
export type SettingValues = Static<typeof SettingValues>;
export type SettingKey = keyof SettingValues;
export const SETTING_KEYS = Object.keys(SettingValues.properties) as [SettingKey, ...SettingKey[]];
/** `fixed` names what the configuration file decides; changing those is refused. */
export const Settings = closed({
  values: SettingValues,
  fixed: list(words(SETTING_KEYS), 50),
  weakenings: list(text(100), 100),
});
export type Settings = Static<typeof Settings>;
export const SettingChange = Type.Partial(SettingValues, { additionalProperties: false });

export const TryItResult = closed({ targetId: Id });
export const Node = closed({
  id: Type.String({ maxLength: 200 }),
  url: Type.String({ maxLength: 300 }),
  version: text(40),
  startedAt: Time,
  heartbeatAt: Time,
  alive: Type.Boolean(),
  self: Type.Boolean(),
});
export type Node = Static<typeof Node>;
