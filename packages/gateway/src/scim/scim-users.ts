import { Fault } from '@enchilada/core/fault';
import type { ProviderRecord, ProvisionedUser } from '@enchilada/core/identity';
import type { ProvisionedUserQuery, Slice, Sliced, Store, StoreTransaction } from '@enchilada/core/store';
import type { Clock, RandomSource } from '@enchilada/core/time';
import { eventBy } from '../providers/provider-events.ts';
import type { ProviderPeople } from '../providers/provider-people.ts';
import { requireSwitchedOn } from './provisioning.ts';
import { scimFault } from './scim-message.ts';
import { operationsOf, patched } from './scim-patch.ts';
import { displayNameOf, userBody, type UserContent, userContent } from './scim-resource.ts';

export interface ScimParts {
  readonly store: Store;
  readonly people: ProviderPeople;
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** Gives leave to change what is there, or throws. */
export type Precondition = (current: { readonly version: number }) => void;

function subjectOf({ externalId, userName }: Pick<UserContent, 'externalId' | 'userName'>): string {
  return externalId ?? userName;
}

function notThere(): Fault {
  return new Fault('NOT_FOUND', 'there is no such user');
}

/**
 * The people of an identity provider as it provisions them. INVARIANT: an account is found by (provider, subject) alone, and the subject is the
 * external id, or the user name where there is none; never by an e-mail address or the name of an account (T10).
 */
export class ScimUsers {
  readonly #parts: ScimParts;

  constructor(parts: ScimParts) {
    this.#parts = parts;
  }

  list(record: ProviderRecord, query: ProvisionedUserQuery, slice: Slice): Promise<Sliced<ProvisionedUser>> {
    return this.#parts.store.now.provisioning.listUsers(record.id, query, slice);
  }

  /** @throws Fault NOT_FOUND */
  async get(record: ProviderRecord, id: string): Promise<ProvisionedUser> {
    const user = await this.#parts.store.now.provisioning.findUser(record.id, id);
    if (user === undefined || user.deletedAt !== undefined) throw notThere();
    return user;
  }

  async create(record: ProviderRecord, body: unknown): Promise<ProvisionedUser> {
    const { store, people, clock } = this.#parts;
    const { provisioning } = store.now;
    await requireSwitchedOn(store.now, record);
    const content = userContent(body);
    const isTaken = async (query: ProvisionedUserQuery): Promise<boolean> =>
      (await provisioning.listUsers(record.id, query, { offset: 0, limit: 1 })).total > 0;
    if (await isTaken({ userName: content.userName })) throw taken('userName');
    if (content.externalId !== undefined && (await isTaken({ externalId: content.externalId })))
      throw taken('externalId');
    const { userId } = await people.provision(record, {
      ...{ subject: subjectOf(content), username: content.userName, email: undefined, groups: [] },
      displayName: displayNameOf(content.resource),
    });
    const before = await provisioning.findUser(record.id, userId);
    if (before !== undefined && before.deletedAt === undefined) throw taken('externalId');
    const now = clock.now();
    const fresh = { ...content, providerId: record.id, userId, deletedAt: undefined, createdAt: now, updatedAt: now };
    return this.#write(record, 'created', async (tx) => {
      await requireSwitchedOn(tx, record);
      if (before !== undefined) return tx.provisioning.updateUser({ ...fresh, version: before.version });
      const user: ProvisionedUser = { ...fresh, version: 1 };
      await tx.provisioning.insertUser(user);
      return user;
    });
  }

  async replace(
    record: ProviderRecord,
    given: { readonly id: string; readonly body: unknown },
    requireCurrent: Precondition,
  ): Promise<ProvisionedUser> {
    const before = await this.get(record, given.id);
    requireCurrent(before);
    return this.#change(record, before, userContent(given.body));
  }

  async patch(
    record: ProviderRecord,
    given: { readonly id: string; readonly body: unknown },
    requireCurrent: Precondition,
  ): Promise<ProvisionedUser> {
    const before = await this.get(record, given.id);
    requireCurrent(before);
    return this.#change(record, before, userContent(patched(userBody(before), operationsOf(given.body))));
  }

  /** The account stays for what it did, disabled; the same person gets it back when they are provisioned again. */
  async delete(record: ProviderRecord, id: string): Promise<void> {
    const before = await this.get(record, id);
    const now = this.#parts.clock.now();
    await this.#write(record, 'deleted', async (tx) => {
      await requireNotLast(tx, before);
      const { provisioning } = tx;
      for (const group of await provisioning.groupsOf(record.id, id)) {
        const members = await provisioning.members(group.id);
        await provisioning.setMembers(
          group.id,
          members.filter((member) => member !== id),
        );
      }
      return provisioning.updateUser({ ...before, isActive: false, deletedAt: now, updatedAt: now });
    });
  }

  async #change(record: ProviderRecord, before: ProvisionedUser, content: UserContent): Promise<ProvisionedUser> {
    const [from, to] = [subjectOf(before), subjectOf(content)];
    return this.#write(record, 'changed', async (tx) => {
      if (before.isActive && !content.isActive) await requireNotLast(tx, before);
      if (content.isActive && (!before.isActive || from !== to)) await requireSwitchedOn(tx, record);
      if (from !== to) {
        const other = await tx.providers.findIdentity(record.id, to);
        if (other !== undefined && other.userId !== before.userId) throw taken('externalId');
        if (other === undefined) await tx.providers.moveIdentity({ providerId: record.id, subject: from }, to);
      }
      return tx.provisioning.updateUser({ ...before, ...content, updatedAt: this.#parts.clock.now() });
    });
  }

  #write(
    record: ProviderRecord,
    act: 'created' | 'changed' | 'deleted',
    work: (tx: StoreTransaction) => Promise<ProvisionedUser>,
  ): Promise<ProvisionedUser> {
    return this.#parts.people.write(async (tx) => {
      const user = await work(tx);
      const event = eventBy(record, {
        action: 'provisioned-user.changed',
        object: { kind: 'user', id: user.userId, name: user.userName },
        detail: { act, provider: record.id, active: user.isActive },
      });
      const judged = { people: [user.userId], displayName: displayNameOf(user.resource) };
      return { result: user, owed: { providerId: record.id, event, ...judged } };
    });
  }
}

/** @throws Fault LAST_ADMINISTRATOR */
async function requireNotLast({ users }: StoreTransaction, { userId }: ProvisionedUser): Promise<void> {
  const account = await users.find(userId);
  if (account?.role !== 'administrator' || account.disabledAt !== undefined) return;
  if ((await users.countEnabledAdministrators()) <= 1)
    throw new Fault('LAST_ADMINISTRATOR', 'this is the last enabled administrator');
}

function taken(attribute: 'userName' | 'externalId'): Fault {
  return scimFault('uniqueness', `somebody with this ${attribute} is there already`);
}
