import { Fault, isFault } from '@enchilada/core/fault';
import {
  type AssertedPerson,
  type ExternalIdentity,
  judgeByRules,
  type ProviderId,
  type ProviderRecord,
  type ProviderVerdict,
  type Settlement,
  type User,
  weakerRole,
} from '@enchilada/core/identity';
import type { StoreTransaction } from '@enchilada/core/store';
import { randomId } from '@enchilada/core/time';
import { endLoginsOf } from '../auth/logins.ts';
import { type Judge, type Owed, Settlements, type SettlementsParts } from '../settlement/settlements.ts';
import { bounded, namesFor, plain, saidOf } from './asserted-person.ts';
import { acted, memberEvent } from './provider-events.ts';

/** What came of judging somebody, and what is to be settled once it is committed. */
interface Judged {
  readonly user: User;
  readonly verdict: ProviderVerdict;
  readonly owed: readonly Settlement[];
}

/** Whose account an assertion stands for: made at the first sign-in, its groups and role as the rules say. */
export class ProviderPeople implements Judge {
  readonly #parts: SettlementsParts;
  readonly #settlements: Settlements;

  constructor(parts: SettlementsParts) {
    this.#parts = parts;
    this.#settlements = new Settlements(parts);
  }

  /** INVARIANT: an account is found by provider and subject alone, and never taken over by its name (T10). @throws Fault NOT_ADMITTED, LOGIN_REFUSED, PROVIDER_REFUSED */
  async admit(record: ProviderRecord, asserted: AssertedPerson): Promise<User> {
    const person = bounded(asserted);
    let judged = await this.renew(record, person);
    if (judged === undefined) {
      const verdict = await this.judge(record, { userId: undefined, groups: person.groups });
      if (verdict.isAdmitted) {
        const made = await this.#create({ record, person, verdict });
        if (made !== undefined) return made;
        // Another node made it in this moment.
        judged = await this.renew(record, person);
      }
    }
    if (judged?.verdict.isAdmitted !== true)
      throw new Fault('NOT_ADMITTED', 'no rule of the provider admits the person');
    if (judged.user.disabledAt !== undefined) throw new Fault('LOGIN_REFUSED', 'the account is disabled');
    return judged.user;
  }

  /**
   * What the rules make of somebody. Of a group that the provider also provisions, its own list of members holds, and not what a sign-in says.
   * INVARIANT: whom the provider has deactivated is not admitted.
   */
  async judge(
    record: ProviderRecord,
    { userId, groups }: { readonly userId: string | undefined; readonly groups: readonly string[] },
    tx: StoreTransaction = this.#parts.store.now,
  ): Promise<ProviderVerdict> {
    const rules = record.rules.map(({ from }) => from);
    const provisioned = await tx.provisioning.groupsNamed(record.id, rules, userId);
    const theirs = provisioned.filter(({ isMember }) => isMember).flatMap(({ names }) => names);
    const known = new Set(provisioned.flatMap(({ names }) => names));
    const verdict = judgeByRules(record, [...groups.filter((group) => !known.has(group)), ...theirs]);
    const person = userId === undefined ? undefined : await tx.provisioning.findUser(record.id, userId);
    return person?.isActive === false ? { ...verdict, isAdmitted: false, groupIds: [] } : verdict;
  }

  /** The identity that the provider provisions, made where there is none. @throws Fault PROVIDER_REFUSED */
  async provision(record: ProviderRecord, asserted: AssertedPerson): Promise<ExternalIdentity> {
    const person = bounded(asserted);
    const { providers } = this.#parts.store.now;
    const there = await providers.findIdentity(record.id, person.subject);
    if (there !== undefined) return there;
    await this.#create({ record, person, verdict: judgeByRules(record, []) });
    const made = await providers.findIdentity(record.id, person.subject);
    if (made === undefined) throw new Fault('CONFLICT', 'the person was removed in this moment');
    return made;
  }

  /** What the provider says of somebody known, written down: groups, name, role, and that they are there. Undefined where nobody has the subject. */
  async renew(record: ProviderRecord, person: AssertedPerson): Promise<Judged | undefined> {
    const { store, clock } = this.#parts;
    const { subject, groups, displayName } = person;
    const judged = await store.transaction(async (tx) => {
      const identity = await tx.providers.findIdentity(record.id, subject);
      if (identity === undefined) return undefined;
      const verdict = await this.judge(record, { userId: identity.userId, groups }, tx);
      await tx.providers.updateIdentity(identity, { groups, said: saidOf(person), seenAt: clock.now() });
      return this.#apply(tx, { record, identity, verdict, displayName });
    });
    await this.#settleAll(judged?.owed ?? []);
    return judged;
  }

  /** The provider does not know the person any more, or has disabled them: out with them, until it does again. */
  async suspend(record: ProviderRecord, identity: ExternalIdentity): Promise<void> {
    await this.#settleAll(await this.#parts.store.transaction((tx) => this.#suspend(tx, record, identity)));
  }

  /**
   * Memberships, role, and whether the person is let in at all, as it stands now. INVARIANT: judged and written in one transaction: of two changes at once,
   * neither is judged by what was there before the other.
   */
  judgeOne(
    providerId: ProviderId,
    { userId, displayName }: { readonly userId: string; readonly displayName: string },
  ): Promise<readonly Settlement[]> {
    return this.#parts.store.transaction(async (tx) => {
      const record = await tx.providers.find(providerId);
      if (record === undefined) return [];
      const owed: Settlement[] = [];
      for (const identity of await tx.providers.identitiesOf(userId)) {
        if (identity.providerId !== providerId) continue;
        const verdict = await this.#verdictOf(tx, record, identity);
        if (verdict.isAdmitted) {
          const judged = await this.#apply(tx, { record, identity, verdict, displayName: plain(displayName) });
          owed.push(...(judged?.owed ?? []));
        } else {
          owed.push(...(await this.#setMemberships(tx, { record, identity, verdict })));
          owed.push(...(await this.#suspend(tx, record, identity)));
        }
      }
      return owed;
    });
  }

  /** The memberships of everybody, by their groups as last seen. */
  async judgeEverybody(providerId: ProviderId, alive: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const { store } = this.#parts;
    for (const { subject } of await store.now.providers.listIdentities(providerId)) {
      const owed = await store.transaction(async (tx) => {
        const record = await tx.providers.find(providerId);
        const identity = await tx.providers.findIdentity(providerId, subject);
        if (record === undefined || identity === undefined) return [];
        const verdict = await this.#verdictOf(tx, record, identity);
        return this.#setMemberships(tx, { record, identity, verdict });
      });
      await this.#settleAll(owed);
      await alive();
    }
  }

  /**
   * Writes, and does what follows. INVARIANT: what is to be audited and who is to be judged is written down in the transaction of the write, so that it is done
   * also where this node dies behind it.
   */
  async write<T>(work: (tx: StoreTransaction) => Promise<{ readonly result: T; readonly owed: Owed }>): Promise<T> {
    const { result, settlement } = await this.#parts.store.transaction(async (tx) => {
      const { result: written, owed } = await work(tx);
      return { result: written, settlement: await this.#settlements.owe(tx, owed) };
    });
    await this.#settleAll([settlement]);
    return result;
  }

  settleLeftOver(): Promise<void> {
    return this.#settlements.settleLeftOver(this);
  }

  async #settleAll(settlements: readonly Settlement[]): Promise<void> {
    for (const settlement of settlements) await this.#settlements.settle(settlement, this);
  }

  /** INVARIANT: a provider that is switched off gives nothing, whatever follows of what it or a rule takes away. */
  async #verdictOf(tx: StoreTransaction, record: ProviderRecord, identity: ExternalIdentity): Promise<ProviderVerdict> {
    const verdict = await this.judge(record, identity, tx);
    const user = await tx.users.find(identity.userId);
    if (record.enabled || user === undefined) return verdict;
    const has = new Set(await tx.groups.groupsOf(user.id));
    const role = verdict.role === undefined ? undefined : weakerRole(user.role, verdict.role);
    return { ...verdict, role, groupIds: verdict.groupIds.filter((id) => has.has(id)) };
  }

  /** Undefined where the account is gone. */
  async #apply(tx: StoreTransaction, { record, identity, verdict, displayName }: Applied): Promise<Judged | undefined> {
    const before = await tx.users.find(identity.userId);
    if (before === undefined) return undefined;
    // Whom no rule admits stays out, and whom a provider that is switched off does.
    const isLetIn = verdict.isAdmitted && record.enabled;
    await tx.providers.updateIdentity(identity, { isSuspended: identity.isSuspended && !isLetIn });
    const isBack = identity.isSuspended && isLetIn && before.disabledAt !== undefined;
    const named = { ...before, displayName: displayName === '' ? before.displayName : displayName };
    const wanted: User = {
      ...named,
      role: verdict.role ?? before.role,
      disabledAt: isBack ? undefined : before.disabledAt,
    };
    const user = await saved(tx, before, (await isLastLost(tx, before, wanted)) ? named : wanted);
    const owed: Settlement[] = [];
    if (before.disabledAt !== undefined && user.disabledAt === undefined)
      owed.push(await this.#settlements.owe(tx, acted('user.enabled', user, { record })));
    if (before.role !== user.role) {
      await endLoginsOf(tx, user, this.#parts.clock.now());
      owed.push(await this.#settlements.owe(tx, acted('user.updated', user, { record, detail: { role: user.role } })));
    }
    owed.push(...(await this.#setMemberships(tx, { record, identity, verdict })));
    return { user, verdict, owed };
  }

  async #suspend(
    tx: StoreTransaction,
    record: ProviderRecord,
    identity: ExternalIdentity,
  ): Promise<readonly Settlement[]> {
    const now = this.#parts.clock.now();
    const user = await tx.users.find(identity.userId);
    if (user === undefined || user.disabledAt !== undefined) return [];
    const wanted = { ...user, disabledAt: now };
    if (await isLastLost(tx, user, wanted)) return [];
    const disabled = await tx.users.update(wanted);
    await tx.providers.updateIdentity(identity, { isSuspended: true });
    await endLoginsOf(tx, disabled, now);
    await tx.commands.post({ kind: 'recheck-user', userId: user.id }, now);
    const reason = 'the provider has disabled or removed the person';
    return [await this.#settlements.owe(tx, acted('user.disabled', disabled, { record, reason }))];
  }

  async #setMemberships(
    tx: StoreTransaction,
    {
      record,
      identity: { userId },
      verdict,
    }: Pick<Applied, 'record' | 'verdict'> & { readonly identity: Pick<ExternalIdentity, 'userId'> },
  ): Promise<readonly Settlement[]> {
    const { added, removed } = await tx.providers.setMemberships(
      userId,
      record.id,
      await existing(tx, verdict.groupIds),
    );
    const user = await tx.users.find(userId);
    if (user === undefined || added.length + removed.length === 0) return [];
    await tx.commands.post({ kind: 'recheck-user', userId }, this.#parts.clock.now());
    const owed: Settlement[] = [];
    for (const id of removed)
      owed.push(await this.#settlements.owe(tx, memberEvent('group.member-removed', user, { record, id })));
    for (const id of added)
      owed.push(await this.#settlements.owe(tx, memberEvent('group.member-added', user, { record, id })));
    return owed;
  }

  /** Undefined where somebody else made an account for the same person meanwhile. */
  async #create({ record, person, verdict }: Created): Promise<User | undefined> {
    const { store, clock, random } = this.#parts;
    for (const username of namesFor(person, record, random)) {
      const user: User = {
        id: `usr_${randomId(random)}`,
        username,
        displayName: person.displayName,
        role: verdict.role ?? 'user',
        passwordHash: undefined,
        breakGlass: false,
        disabledAt: undefined,
        createdAt: clock.now(),
        lastLoginAt: undefined,
        preferences: {},
        version: 1,
      };
      try {
        const owed = await store.transaction(async (tx) => {
          await tx.users.insert(user);
          await tx.providers.insertIdentity({
            ...{ providerId: record.id, subject: person.subject, userId: user.id, groups: person.groups },
            ...saidOf(person),
            ...{ seenAt: clock.now(), isSuspended: false },
          });
          const made = await this.#settlements.owe(
            tx,
            acted('user.created', user, { record, detail: { role: user.role } }),
          );
          return [made, ...(await this.#setMemberships(tx, { record, identity: { userId: user.id }, verdict }))];
        });
        await this.#settleAll(owed);
        return user;
      } catch (failure) {
        if (!isFault(failure, 'CONFLICT')) throw failure;
        if ((await store.now.providers.findIdentity(record.id, person.subject)) !== undefined) return undefined;
      }
    }
    throw new Fault('CONFLICT', 'no free user name was found for the person');
  }
}

interface Applied {
  readonly record: ProviderRecord;
  readonly identity: ExternalIdentity;
  readonly verdict: ProviderVerdict;
  /** Empty where the provider says none. */
  readonly displayName: string;
}

interface Created {
  readonly record: ProviderRecord;
  readonly person: AssertedPerson;
  readonly verdict: ProviderVerdict;
}

/** INVARIANT: no provider takes the last administrator away. */
async function isLastLost(tx: StoreTransaction, before: User, after: User): Promise<boolean> {
  const isAdministrator = ({ role, disabledAt }: User): boolean => role === 'administrator' && disabledAt === undefined;
  if (!isAdministrator(before) || isAdministrator(after)) return false;
  return (await tx.users.countEnabledAdministrators()) <= 1;
}

async function saved(tx: StoreTransaction, before: User, wanted: User): Promise<User> {
  const isSame =
    before.displayName === wanted.displayName && before.role === wanted.role && before.disabledAt === wanted.disabledAt;
  return isSame ? before : tx.users.update(wanted);
}

/** A group that was removed since the rule was written is no reason to keep people out. */
async function existing(tx: StoreTransaction, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const known = new Set((await tx.groups.list()).map(({ id }) => id));
  return ids.filter((id) => known.has(id));
}
