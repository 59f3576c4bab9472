import type {
  NamedMembership,
  ProviderId,
  ProvisionedGroup,
  ProvisionedGroupId,
  ProvisionedUser,
  ProvisioningToken,
  UserId,
} from '../identity/index.ts';

/** All that are given must hold. */
export interface ProvisionedUserQuery {
  readonly id?: string;
  /** Whatever the case. */
  readonly userName?: string;
  readonly externalId?: string;
}
export interface ProvisionedGroupQuery {
  readonly id?: string;
  readonly displayName?: string;
  readonly externalId?: string;
  readonly member?: UserId;
}
export interface Slice {
  readonly offset: number;
  readonly limit: number;
}
export interface Sliced<T> {
  readonly items: readonly T[];
  readonly total: number;
}

/** What identity providers write here of their people and groups. People who were deleted are in no list. */
export interface ProvisioningRepository {
  findToken(provider: ProviderId): Promise<ProvisioningToken | undefined>;
  /** In the place of the one there is. */
  setToken(token: ProvisioningToken): Promise<void>;
  noteTokenUse(provider: ProviderId, at: number): Promise<void>;
  /** The token, and all that was written with it. Accounts and identities stay. */
  forget(provider: ProviderId): Promise<void>;

  /** @throws Fault CONFLICT where the name is taken or the account is there already */
  insertUser(user: ProvisionedUser): Promise<void>;
  /** Also one who was deleted. */
  findUser(provider: ProviderId, id: UserId): Promise<ProvisionedUser | undefined>;
  /** Writes all columns where the stored version is `user.version`, and raises it. @throws Fault CONFLICT */
  updateUser(user: ProvisionedUser): Promise<ProvisionedUser>;
  listUsers(provider: ProviderId, query: ProvisionedUserQuery, slice: Slice): Promise<Sliced<ProvisionedUser>>;

  insertGroup(group: ProvisionedGroup): Promise<void>;
  findGroup(provider: ProviderId, id: ProvisionedGroupId): Promise<ProvisionedGroup | undefined>;
  /** Writes all columns where the stored version is `group.version`, and raises it. @throws Fault CONFLICT */
  updateGroup(group: ProvisionedGroup): Promise<ProvisionedGroup>;
  deleteGroup(id: ProvisionedGroupId): Promise<void>;
  listGroups(provider: ProviderId, query: ProvisionedGroupQuery, slice: Slice): Promise<Sliced<ProvisionedGroup>>;

  members(group: ProvisionedGroupId): Promise<readonly UserId[]>;
  /** Makes these the members; answers who came and who went. */
  setMembers(group: ProvisionedGroupId, users: readonly UserId[]): Promise<readonly UserId[]>;
  groupsOf(provider: ProviderId, user: UserId): Promise<readonly ProvisionedGroup[]>;
  /** The groups that bear one of these names, or have it as their external id, to the letter. */
  groupsNamed(
    provider: ProviderId,
    names: readonly string[],
    user: UserId | undefined,
  ): Promise<readonly NamedMembership[]>;
}
