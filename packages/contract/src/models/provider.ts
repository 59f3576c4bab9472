import { PROVIDER_ADMISSIONS } from '@enchilada/core/identity';
import { Type, type Static } from 'typebox';
import { closed, Count, Id, list, text, Time, Version, words, writeOnly } from '../schema.ts';
import { Role, SignedIn } from './identity.ts';
import { LocalizedText, ParameterField, ParameterValues } from './machine.ts';

const Kind = text(40, 1);
const Way = words(['redirect', 'password', 'proxy']);

/** A kind of identity provider and its form. */
export const ProviderKindManifest = closed({
  kind: Kind,
  label: LocalizedText,
  way: Way,
  /** Answers come as a form, not in the address. */
  answers: Type.Optional(words(['form'])),
  parameters: list(ParameterField, 100),
  /** What its secret is called. */
  secret: LocalizedText,
  /** The parameters that say to whom the secret is sent: where one changes, the secret is given anew. */
  secretGoesBy: Type.Optional(list(text(40, 1), 100)),
});
export type ProviderKindManifest = Static<typeof ProviderKindManifest>;

export const ProviderRule = closed({
  /** The provider's group, to the letter. */
  from: text(1000, 1),
  groupId: Type.Optional(Id),
  role: Type.Optional(Role),
});
export type ProviderRule = Static<typeof ProviderRule>;

const ProviderFields = {
  name: text(100, 1),
  parameters: ParameterValues,
  rules: list(ProviderRule, 500),
  /** `matched`: those whom a rule matches. `everyone`: all whom the provider knows. */
  admits: words(PROVIDER_ADMISSIONS),
  /** Whoever gave a second factor there is asked for none here. */
  trustsFactor: Type.Boolean(),
  enabled: Type.Boolean(),
};
const SecretField = Type.Optional(writeOnly(4000));

export const Provider = closed({
  ...ProviderFields,
  id: Id,
  kind: Kind,
  way: Way,
  hasSecret: Type.Boolean(),
  /** How many people have signed in through it. */
  people: Count,
  /** The sign-ins that it is asked about again, and how that goes. */
  refresh: Type.Optional(
    closed({
      logins: Count,
      failing: Count,
      /** Since when it has not answered about the one that is longest without an answer, and what came last instead. */
      unansweredSince: Type.Optional(Time),
      reason: Type.Optional(text(300)),
    }),
  ),
  /** What the provider must know: where browsers come back to, and where its server tells of sign-outs. */
  returnTo: Type.Optional(text(500)),
  logoutTo: Type.Optional(text(500)),
  /** Where the provider reads all of it. */
  metadata: Type.Optional(text(500)),
  version: Version,
  createdAt: Time,
  updatedAt: Time,
});
export type Provider = Static<typeof Provider>;
export const ProviderCreate = closed({ ...ProviderFields, kind: Kind, secret: SecretField });
export const ProviderUpdate = closed({ ...ProviderFields, version: Version, secret: SecretField });

/** How the provider writes its people and groups here (SCIM 2.0). */
export const Provisioning = closed({
  /** Where it writes them. */
  baseUrl: text(500),
  /** Absent: it cannot. */
  token: Type.Optional(closed({ createdAt: Time, createdBy: text(200), lastUsedAt: Type.Optional(Time) })),
  people: Count,
  groups: Count,
});
export type Provisioning = Static<typeof Provisioning>;
/** Shown once. */
export const ProvisioningTokenMade = closed({ baseUrl: text(500), value: Type.String({ maxLength: 100 }) });

export const ProviderStart = closed({
  /** The path to go on to afterwards. */
  next: Type.Optional(Type.String({ maxLength: 2000, pattern: '^/(?![/\\\\])[\\u0021-\\u007e]*$' })),
  consent: Type.Optional(Type.Boolean()),
  /** The person must prove themselves at the provider anew. */
  fresh: Type.Optional(Type.Boolean()),
});
export const ProxySignIn = closed({ consent: Type.Optional(Type.Boolean()) });
export const ProviderStarted = closed({ url: Type.String({ maxLength: 16_000 }) });
/** The query that the browser came back with. */
export const ProviderAnswer = closed({ answer: writeOnly(16_000) });
export const ProviderSignedIn = closed({ signedIn: SignedIn, next: Type.String({ maxLength: 2000 }) });
export const LoggedOut = closed({
  /** Where the browser ends the login at the provider too. */
  next: Type.Optional(Type.String({ maxLength: 16_000 })),
});
export const DirectoryPasswordChange = closed({
  username: Type.String({ minLength: 1, maxLength: 128 }),
  password: writeOnly(256),
  next: writeOnly(256),
});
