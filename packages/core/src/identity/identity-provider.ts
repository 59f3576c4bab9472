import type { Secret, WrappedKey } from '../credential/index.ts';
import type { LocalizedText, ParameterField, ParameterValues } from '../engine/index.ts';
import type { RefreshVerdict } from './refresh-token.ts';
import type { GroupId, Role, UserId } from './user.ts';

export type ProviderId = string;
export type ProviderKind = string;

/** What a provider says of somebody. Every text is the provider's own and untrusted as text. */
export interface AssertedPerson {
  /** INVARIANT: with the provider the key of the account. Never a name or an e-mail address, which are given to others in time (T10). */
  readonly subject: string;
  readonly username: string;
  readonly displayName: string;
  readonly email: string | undefined;
  readonly groups: readonly string[];
  /** Those that the provider's form names, for user names on machines; names in lower case. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Somebody who has just signed in at a provider. */
export interface AssertedLogin {
  readonly person: AssertedPerson;
  /** When the person last proved themselves there; absent where the provider does not say. */
  readonly provedAt: number | undefined;
  /** The provider says that it asked for a second factor. Worth something only where it is trusted with that. */
  readonly gaveSecondFactor: boolean;
  /** The provider's name for the login, by which it ends it. */
  readonly session: string | undefined;
  /** Until when its login is good, where it says. INVARIANT: no login that rests on it lasts longer. */
  readonly endsAt?: number;
  /** What the provider wants to see when the person signs out. */
  readonly logoutHint: Secret | undefined;
  /** By what the provider is asked again, where it gave it. */
  readonly refreshToken?: Secret;
  /** What said so, where it could be shown twice: accepted once over all nodes. */
  readonly message?: { readonly id: string; readonly expiresAt: number };
}

/** Where providers and browsers find us, by the public address. */
export interface ProviderAddresses {
  /** The page that browsers come back to with an answer in the address. */
  readonly returnTo: string;
  /** Where an answer comes as a form. */
  readonly answerTo: string;
  readonly logoutTo: string;
  readonly metadata: string;
  /** The page after signing out. */
  readonly signedOut: string;
}

/** One attempt to sign in through a browser that goes away and comes back. All values are made by us, and of this attempt alone. */
export interface SignInFlow {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly at: ProviderAddresses;
  /** The person must prove themselves anew, even where the provider knows them. */
  readonly isFresh: boolean;
}

/** Who a provider's server says has signed out. At least one of `subject` and `session` is there. */
export interface HeardLogout {
  /** Of the message, to accept it once. */
  readonly id: string;
  readonly subject: string | undefined;
  readonly session: string | undefined;
  readonly expiresAt: number;
}

/** The browser goes to the provider and comes back with an answer. Failures are PROVIDER_REFUSED and PROVIDER_UNAVAILABLE. */
export interface RedirectProvider {
  readonly way: 'redirect';
  begin(flow: SignInFlow): Promise<string>;
  /** @param answer the query that the browser came back with */
  complete(answer: string, flow: SignInFlow): Promise<AssertedLogin>;
  /** Where the browser ends the person's login at the provider; undefined where that is not wanted or not offered. */
  endSession(hint: Secret | undefined, at: ProviderAddresses): Promise<string | undefined>;
  /**
   * Asks again about somebody who signed in. INVARIANT: a token that the provider gives in place of this one is kept before anything else of its answer is
   * judged, for this one may be spent. Failures are NOT_ADMITTED where a condition of the form holds no more, PROVIDER_REFUSED and PROVIDER_UNAVAILABLE.
   */
  refresh?(token: Secret, subject: string, keep: (next: Secret) => Promise<void>): Promise<RefreshVerdict>;
  /** Tells the provider that the token is used no more. */
  revoke?(token: Secret): Promise<void>;
  /** @param fields the form that the provider's server sent */
  hearLogout(fields: Readonly<Record<string, string>>): Promise<HeardLogout>;
  /** For providers whose answers come as forms. */
  readonly door?: ProviderDoor;
}

/** What a browser brings to us straight from the provider, before it is known whose browser it is. */
export interface DoorMessage {
  readonly where: 'answer' | 'logout';
  readonly fields: Readonly<Record<string, string>>;
  /** As it was sent, for signatures over it; empty where the fields came as a form. */
  readonly query: string;
}

export type DoorAct =
  /** The answer to the attempt of this state, judged once the browser that began comes with its cookie. */
  | { readonly act: 'complete'; readonly state: string; readonly answer: string }
  /** @see hearLogout; `goTo` is where the browser goes on to. */
  | { readonly act: 'logout'; readonly logout: HeardLogout; readonly goTo?: string }
  | { readonly act: 'signed-out' };

export interface ProviderDoor {
  /** What the provider must know of us, for its administrator. */
  metadata(at: ProviderAddresses): { readonly type: string; readonly text: string };
  /** @throws Fault PROVIDER_REFUSED, PROVIDER_UNAVAILABLE */
  read(message: DoorMessage, at: ProviderAddresses): Promise<DoorAct>;
}

/** From where somebody signs in; empty where that is not known. */
export interface PasswordAsker {
  readonly address: string;
}

/** What a provider asks besides the password. */
export interface SignInQuestion {
  /** The provider's own words, untrusted as text; may be empty. */
  readonly text: string;
  /** What is typed is not shown. */
  readonly isHidden: boolean;
  /** What the provider needs again with the answer. */
  readonly state: Secret;
}

/** INVARIANT: of the person who was asked: whoever carries the state keeps it with the name and the password that led to the question. */
export interface QuestionAnswer {
  readonly username: string;
  readonly state: Secret;
  readonly answer: Secret;
}

export type PasswordVerdict =
  | { readonly person: AssertedPerson; /** @see AssertedLogin */ readonly gaveSecondFactor?: boolean }
  | { readonly question: SignInQuestion };

/** The person gives name and password to us. Failures are LOGIN_REFUSED, PASSWORD_EXPIRED and PROVIDER_UNAVAILABLE. */
export interface PasswordProvider {
  readonly way: 'password';
  verify(username: string, password: Secret, asker: PasswordAsker): Promise<PasswordVerdict>;
  /** For providers that ask questions. A question may lead to another. */
  answer?(given: QuestionAnswer, asker: PasswordAsker): Promise<PasswordVerdict>;
  /** @throws Fault LOGIN_REFUSED, PASSWORD_TOO_WEAK, CONFLICT where passwords are not changed here */
  changePassword(username: string, password: Secret, next: Secret): Promise<void>;
  /** As the provider knows somebody now; undefined who is gone, disabled or expired. Absent where it cannot be asked. */
  lookUp?(subject: string): Promise<AssertedPerson | undefined>;
}

/** A request as it reached this process. */
export interface ProxiedRequest {
  /** Of the connection itself. */
  readonly peer: string;
  /** Every value of a header, by its lower-case name. */
  readonly headers: (name: string) => readonly string[];
}

/** A proxy before us has signed the person in and says so in each request. Failures are PROVIDER_REFUSED and PROVIDER_UNAVAILABLE. */
export interface ProxyProvider {
  readonly way: 'proxy';
  /** Whether the request came through the proxy. */
  isBefore(request: Pick<ProxiedRequest, 'peer'>): boolean;
  read(request: ProxiedRequest): Promise<AssertedLogin>;
}

export type IdentityProvider = RedirectProvider | PasswordProvider | ProxyProvider;

export interface ProviderManifest {
  readonly kind: ProviderKind;
  readonly label: LocalizedText;
  readonly way: IdentityProvider['way'];
  /** How answers come back: in the address of a page of ours, unless it says otherwise. */
  readonly answers?: 'form';
  readonly parameters: readonly ParameterField[];
  /** What the one secret of such a provider is called. */
  readonly secret: LocalizedText;
  /** The parameters that say to whom the secret is sent; absent where it is sent to nobody. INVARIANT: where one changes the secret is given anew. */
  readonly secretGoesBy?: readonly string[];
}

/** What a provider is opened with. */
export interface ProviderSettings {
  readonly id: ProviderId;
  readonly parameters: ParameterValues;
  readonly secret: Secret | undefined;
}

export interface ProviderType {
  readonly manifest: ProviderManifest;
  /** Reads the settings and calls nobody. @throws Fault INVALID_REQUEST where they contradict each other. */
  open(settings: ProviderSettings): Promise<IdentityProvider>;
}

/** People of a provider's group become members of ours, or get a role. */
export interface ProviderRule {
  /** The provider's group, compared to the letter. */
  readonly from: string;
  readonly groupId: GroupId | undefined;
  readonly role: Role | undefined;
}

export const PROVIDER_ADMISSIONS = ['matched', 'everyone'] as const;
/** Who of the provider's people may sign in: those whom a rule matches, or all. */
export type ProviderAdmission = (typeof PROVIDER_ADMISSIONS)[number];

/** A configured provider. */
export interface ProviderRecord {
  readonly id: ProviderId;
  readonly kind: ProviderKind;
  readonly name: string;
  readonly parameters: ParameterValues;
  /** Wrapped by the key-encryption key, bound to the row. */
  readonly secret: WrappedKey | undefined;
  readonly rules: readonly ProviderRule[];
  readonly admits: ProviderAdmission;
  /** Whoever gave a second factor there is not asked for one here. */
  readonly trustsFactor: boolean;
  readonly enabled: boolean;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Who somebody is at a provider. */
export interface ExternalIdentity {
  readonly providerId: ProviderId;
  readonly subject: string;
  readonly userId: UserId;
  /** Their groups there, as of the last time that the provider was asked. */
  readonly groups: readonly string[];
  readonly seenAt: number;
  readonly email?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** We disabled the account because the provider no longer knows the person; we enable it when it does again. */
  readonly isSuspended: boolean;
}

/** Which login rests on which login at a provider. */
export interface ProvidedLogin {
  readonly loginDigest: string;
  readonly providerId: ProviderId;
  readonly subject: string;
  readonly session: string | undefined;
  readonly hint: WrappedKey | undefined;
  /** @see AssertedLogin.endsAt */
  readonly endsAt?: number;
}

/** A browser that is away at a provider. Only digests are kept: the rest is made again from what the browser brings. */
export interface PendingSignIn {
  readonly stateDigest: string;
  /** Of the cookie of the browser that began. INVARIANT: no other can complete it. */
  readonly browserDigest: string;
  readonly providerId: ProviderId;
  /** The path to go on to. */
  readonly next: string;
  readonly expiresAt: number;
  /** What the provider answered, where it came as a form. */
  readonly answer?: string;
}

/** What the rules make of somebody's groups. */
export interface ProviderVerdict {
  readonly isAdmitted: boolean;
  readonly groupIds: readonly GroupId[];
  /** The strongest of those that match; undefined where no rule of the provider gives roles, which then leaves the role as it is. */
  readonly role: Role | undefined;
}

const STRENGTH: readonly Role[] = ['administrator', 'auditor', 'user'];

export function weakerRole(one: Role, other: Role): Role {
  return STRENGTH.indexOf(one) > STRENGTH.indexOf(other) ? one : other;
}

export function judgeByRules(
  { rules, admits }: Pick<ProviderRecord, 'rules' | 'admits'>,
  groups: readonly string[],
): ProviderVerdict {
  const matching = rules.filter(({ from }) => groups.includes(from));
  const givesRoles = rules.some(({ role }) => role !== undefined);
  return {
    isAdmitted: admits === 'everyone' || matching.length > 0,
    groupIds: [...new Set(matching.flatMap(({ groupId }) => groupId ?? []))],
    role: givesRoles ? (STRENGTH.find((role) => matching.some((rule) => rule.role === role)) ?? 'user') : undefined,
  };
}
