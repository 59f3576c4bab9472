import { PERMISSIONS } from '@enchilada/core/access';
import { LOGIN_METHODS, LOGIN_STAGES, ROLES } from '@enchilada/core/identity';
import { Type, type Static } from 'typebox';
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

export const Username = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[^\\u0000-\\u0020\\u007f](?:[^\\u0000-\\u001f\\u007f]*[^\\u0000-\\u0020\\u007f])?$',
});
/** Checked for strength by the gateway, not here; the bound keeps hashing cheap. */
export const Password = writeOnly(256);
export const Role = words(ROLES);
export const FACTOR_PROOFS = ['totp', 'passkey', 'recovery-code', 'provider'] as const;

export const Preferences = map(Type.Union([Type.String({ maxLength: 2000 }), Type.Number(), Type.Boolean()]), {
  names: '^[A-Za-z][A-Za-z0-9.-]*$',
  maxProperties: 100,
});
export type Preferences = Static<typeof Preferences>;

/** A way to sign in beside local accounts. `redirect`: a button; `password`: a place where names and passwords live. */
export const SignInProvider = closed({ id: Id, name: text(100), way: words(['redirect', 'password', 'proxy']) });

export const SignInFacts = closed({
  product: Type.String({ maxLength: 40 }),
  bootstrapRequired: Type.Boolean(),
  /** Whether this address can be signed in to with a passkey: they need a host name. */
  passkeys: Type.Boolean(),
  providers: list(SignInProvider, 100),
  banner: Type.Optional(closed({ text: lines(8000), consent: Type.Boolean() })),
});
export type SignInFacts = Static<typeof SignInFacts>;

export const LoginRequest = closed({
  username: Type.String({ minLength: 1, maxLength: 128 }),
  password: Password,
  /** Where the account lives; absent: here. */
  providerId: Type.Optional(Id),
  /** To the question that the same name and password led to. */
  answer: Type.Optional(closed({ ticket: writeOnly(4000), text: writeOnly(256) })),
  /** True: the person agreed to the banner. Demanded where the banner asks for consent. */
  consent: Type.Optional(Type.Boolean()),
});

export const BootstrapToken = writeOnly(100);
export const BootstrapRequest = closed({
  token: BootstrapToken,
  username: Username,
  displayName: text(200),
  password: Password,
});

export const RecoveryToken = writeOnly(100);
export const RecoveryRequest = closed({ token: RecoveryToken, password: Password });
/** Told to whoever holds the link: a password manager files the new password under the right name. */
export const RecoveryFacts = closed({ username: Username, displayName: text(200), expiresAt: Time });
export type RecoveryFacts = Static<typeof RecoveryFacts>;

export const Me = closed({
  user: closed({ id: Id, username: Username, displayName: text(200), role: Role, breakGlass: Type.Boolean() }),
  groups: list(closed({ id: Id, name: text(200) }), 1000),
  permissions: list(words(PERMISSIONS), 50),
  preferences: Preferences,
  login: closed({
    method: words(LOGIN_METHODS),
    /** The second factor that completed this login. */
    factor: Type.Optional(words(FACTOR_PROOFS)),
    createdAt: Time,
    /** Absolute end of this login. */
    expiresAt: Time,
    idleSeconds: Count,
    absoluteSeconds: Count,
    /** Whether "my sign-in password" can be used towards machines in this login. */
    hasLoginPassword: Type.Boolean(),
  }),
  version: Type.String({ maxLength: 40 }),
});
export type Me = Static<typeof Me>;

/** What the provider asks besides the password; its own words, which may be none. The ticket comes back with the answer. */
export const SignInQuestion = closed({
  text: lines(500),
  hidden: Type.Boolean(),
  ticket: Type.String({ maxLength: 4000 }),
});
export type SignInQuestion = Static<typeof SignInQuestion>;

/**
 * The answer to a sign-in. Without `me` the login lacks its second factor, or must get one first, and can do nothing else; with the stage `question`
 * there is no login yet.
 */
export const SignedIn = closed({
  stage: words([...LOGIN_STAGES, 'question']),
  me: Type.Optional(Me),
  question: Type.Optional(SignInQuestion),
});
export type SignedIn = Static<typeof SignedIn>;

export const PasswordChange = closed({ current: Password, next: Password });

/** A login of one's own, seen from the list: `id` is the first 128 bits of the stored digest, useless as a cookie. */
export const Login = closed({
  id: Type.String({ pattern: '^[0-9a-f]{32}$' }),
  current: Type.Boolean(),
  method: words(LOGIN_METHODS),
  factor: Type.Optional(words(FACTOR_PROOFS)),
  createdAt: Time,
  lastSeenAt: Time,
  expiresAt: Time,
  address: text(64),
  userAgent: text(400),
});
export type Login = Static<typeof Login>;
export const LoginParams = closed({ id: Type.String({ pattern: '^[0-9a-f]{32}$' }) });

export const User = closed({
  id: Id,
  username: Username,
  displayName: text(200),
  role: Role,
  breakGlass: Type.Boolean(),
  disabled: Type.Boolean(),
  hasPassword: Type.Boolean(),
  /** Of a program: it has API tokens, and nothing to sign in with. */
  service: Type.Boolean(),
  /** How many second factors the person has enrolled. */
  factors: Count,
  groupIds: list(Id, 1000),
  createdAt: Time,
  lastLoginAt: Type.Optional(Time),
  version: Version,
});
export type User = Static<typeof User>;

export const UserCreate = closed({
  username: Username,
  displayName: text(200),
  role: Role,
  password: Type.Optional(Password),
  groupIds: Type.Optional(list(Id, 1000)),
  /** For a program; it stays one, and has no password. */
  service: Type.Optional(Type.Boolean()),
});
export const UserUpdate = closed({
  username: Type.Optional(Username),
  displayName: Type.Optional(text(200)),
  role: Type.Optional(Role),
  disabled: Type.Optional(Type.Boolean()),
  groupIds: Type.Optional(list(Id, 1000)),
  version: Version,
});
/** Whom a grant can be for; found by name, without everything that is known of them. */
export const SubjectQuery = closed({
  kind: words(['user', 'group']),
  /** Words that are all in the name, the display name or the description. */
  text: Type.Optional(text(200)),
  /** These alone. */
  ids: Type.Optional(Type.String({ maxLength: 4000, pattern: '^[a-z0-9_]+(,[a-z0-9_]+)*$' })),
  /** Of people: those who are not in this group. */
  outside: Type.Optional(Id),
  limit: Type.Optional(Limit),
});
export const Subject = closed({
  id: Id,
  name: text(200, 1),
  /** The display name of a person, the description of a group. */
  detail: text(1000),
  disabled: Type.Boolean(),
});
export type Subject = Static<typeof Subject>;
/** `total`: how many were found, of which these are the first. */
export const Subjects = closed({ items: list(Subject, 500), total: Count });

export const PasswordSet = closed({ password: Password });

export const Group = closed({
  id: Id,
  name: text(200, 1),
  description: text(1000),
  /** Members sign in with a second factor. */
  requiresSecondFactor: Type.Boolean(),
  members: Count,
  createdAt: Time,
});
export type Group = Static<typeof Group>;
export const GroupWrite = closed({
  name: text(200, 1),
  description: text(1000),
  requiresSecondFactor: Type.Optional(Type.Boolean()),
});
export const MemberQuery = closed({
  /** Sought in both names, word by word. */
  text: Type.Optional(text(200)),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});
export const GroupMembers = closed({
  items: list(closed({ id: Id, username: Username, displayName: text(200) }), 500),
  next: Type.Optional(Cursor),
  total: Count,
});
export const MemberParams = closed({ id: Id, userId: Id });
