import type {
  ExternalIdentity,
  GroupId,
  PendingSignIn,
  ProvidedLogin,
  ProviderId,
  ProviderRecord,
  UserId,
} from '../identity/index.ts';

export interface MembershipChange {
  readonly added: readonly GroupId[];
  readonly removed: readonly GroupId[];
}

export interface ProviderRepository {
  list(): Promise<readonly ProviderRecord[]>;
  find(id: ProviderId): Promise<ProviderRecord | undefined>;
  /** @throws Fault CONFLICT where the name is taken. */
  insert(provider: ProviderRecord): Promise<void>;
  /** Writes all columns where the stored version is `provider.version`, and raises it. */
  update(provider: ProviderRecord): Promise<ProviderRecord>;
  /** With what it said of people: their identities there and the memberships that it gave. The accounts stay. */
  delete(id: ProviderId): Promise<void>;

  findIdentity(provider: ProviderId, subject: string): Promise<ExternalIdentity | undefined>;
  identitiesOf(user: UserId): Promise<readonly ExternalIdentity[]>;
  listIdentities(provider: ProviderId): Promise<readonly ExternalIdentity[]>;
  /** How many people each provider has. */
  countIdentities(): Promise<ReadonlyMap<ProviderId, number>>;
  /** @throws Fault CONFLICT where somebody has this subject already. */
  insertIdentity(identity: ExternalIdentity): Promise<void>;
  updateIdentity(
    identity: Pick<ExternalIdentity, 'providerId' | 'subject'>,
    change: Partial<Pick<ExternalIdentity, 'groups' | 'seenAt' | 'isSuspended'>> & {
      /** All that user names may be made of, in the place of what was there. */
      readonly said?: Pick<ExternalIdentity, 'email' | 'attributes'>;
    },
  ): Promise<void>;
  /** The same person under another subject. @throws Fault CONFLICT where somebody has it already */
  moveIdentity(identity: Pick<ExternalIdentity, 'providerId' | 'subject'>, to: string): Promise<void>;
  /** Makes the memberships that this provider gave be these; those given by hand stay. */
  setMemberships(user: UserId, provider: ProviderId, groups: readonly GroupId[]): Promise<MembershipChange>;
  /** All that this provider gave. */
  listMemberships(provider: ProviderId): Promise<readonly { readonly userId: UserId; readonly groupId: GroupId }[]>;

  begin(pending: PendingSignIn): Promise<void>;
  /** Deletes and answers it if it is unexpired and of this browser; exactly one of many racing callers gets it. */
  redeem(stateDigest: string, browserDigest: string, now: number): Promise<PendingSignIn | undefined>;
  /** Notes the answer that came as a form: the first, and of an unexpired attempt at this provider. */
  keepAnswer(
    given: Pick<PendingSignIn, 'stateDigest' | 'providerId'> & { readonly answer: string },
    now: number,
  ): Promise<boolean>;
  /** Of pending sign-ins and of spent messages. */
  deleteExpired(now: number): Promise<void>;

  noteLogin(login: ProvidedLogin): Promise<void>;
  findLogin(loginDigest: string): Promise<ProvidedLogin | undefined>;
  /** The logins that rest on a person, or on one login of theirs, at a provider. */
  loginsOf(
    provider: ProviderId,
    whose?: Pick<ProvidedLogin, 'session'> & { readonly subject: string | undefined },
  ): Promise<readonly string[]>;
  /** Accepts the id of a message once; exactly one of many racing callers gets true. */
  spend(provider: ProviderId, message: string, expiresAt: number): Promise<boolean>;
}
