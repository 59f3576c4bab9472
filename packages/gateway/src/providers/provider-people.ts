import type { AuditEvent, AuditLog } from '@enchilada/core/audit';
import { Fault, isFault } from '@enchilada/core/fault';
import {
  type AssertedPerson,
  type ExternalIdentity,
  judgeByRules,
  type ProviderRecord,
  type ProviderVerdict,
  type User,
} from '@enchilada/core/identity';
import type { Store, StoreTransaction } from '@enchilada/core/store';
import { type Clock, type RandomSource, randomId } from '@enchilada/core/time';
import type { Logins } from '../auth/logins.ts';

export interface ProviderPeopleParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly logins: Pick<Logins, 'endAllOf'>;
  readonly clock: Clock;
  readonly random: RandomSource;
}

const SUBJECT_MAX = 255;
const NAME_MAX = 120;
const MOST_ATTRIBUTES = 16;
const MOST_GROUPS = 5_000;

/** Whose account an assertion stands for: made at the first sign-in, its groups and role as the rules say. */
export class ProviderPeople {
  readonly #parts: ProviderPeopleParts;

  constructor(parts: ProviderPeopleParts) {
    this.#parts = parts;
  }

  /** INVARIANT: an account is found by provider and subject alone, and never taken over by its name (T10). @throws Fault NOT_ADMITTED, LOGIN_REFUSED, PROVIDER_REFUSED */
  async admit(record: ProviderRecord, asserted: AssertedPerson): Promise<User> {
    const person = bounded(asserted);
    const { providers } = this.#parts.store.now;
    let identity = await providers.findIdentity(record.id, person.subject);
    const verdict = await this.judge(record, { userId: identity?.userId, groups: person.groups });
    if (identity === undefined && verdict.isAdmitted) {
      const made = await this.#create({ record, person, verdict });
      if (made !== undefined) return made;
      // Another node made it in this moment.
      identity = await providers.findIdentity(record.id, person.subject);
    }
    const user = identity && (await this.renew({ record, identity, person, verdict }));
    if (!verdict.isAdmitted || user === undefined)
      throw new Fault('NOT_ADMITTED', 'no rule of the provider admits the person');
    if (user.disabledAt !== undefined) throw new Fault('LOGIN_REFUSED', 'the account is disabled');
    return user;
  }

  /**
   * What the rules make of somebody. Of a group that the provider also provisions, its own list of members holds, and not what a sign-in says.
   * INVARIANT: whom the provider has deactivated is not admitted.
   */
  async judge(
    record: ProviderRecord,
    { userId, groups }: { readonly userId: string | undefined; readonly groups: readonly string[] },
  ): Promise<ProviderVerdict> {
    const { provisioning } = this.#parts.store.now;
    const rules = record.rules.map(({ from }) => from);
    const provisioned = await provisioning.groupsNamed(record.id, rules, userId);
    const theirs = provisioned.filter(({ isMember }) => isMember).flatMap(({ names }) => names);
    const known = new Set(provisioned.flatMap(({ names }) => names));
    const verdict = judgeByRules(record, [...groups.filter((group) => !known.has(group)), ...theirs]);
    const person = userId === undefined ? undefined : await provisioning.findUser(record.id, userId);
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

  /** After a change of what is provisioned: memberships, role, and whether the person is let in at all. */
  async judgeOne(record: ProviderRecord, userId: string, displayName = ''): Promise<void> {
    const { store, clock } = this.#parts;
    for (const identity of await store.now.providers.identitiesOf(userId)) {
      if (identity.providerId !== record.id) continue;
      const { subject, groups } = identity;
      const verdict = await this.judge(record, { userId, groups });
      if (verdict.isAdmitted) {
        const person = { subject, groups, username: '', displayName: plain(displayName), email: undefined };
        await this.renew({ record, identity, person, verdict });
        continue;
      }
      if (await store.now.providers.setMemberships(userId, record.id, await this.#existing(verdict.groupIds)))
        await store.now.commands.post({ kind: 'recheck-user', userId }, clock.now());
      await this.suspend(record, identity);
    }
  }

  /** What the provider says of somebody known, written down: groups, name, role, and that they are there. Undefined where the account is gone. */
  async renew(known: Known): Promise<User | undefined> {
    const { store, clock } = this.#parts;
    const { record, identity, person, verdict } = known;
    const before = await store.now.users.find(identity.userId);
    if (before === undefined) return undefined;
    await store.now.providers.updateIdentity(identity, {
      groups: person.groups,
      said: saidOf(person),
      seenAt: clock.now(),
      // Whom no rule admits stays out.
      isSuspended: identity.isSuspended && !verdict.isAdmitted,
    });
    const isBack = identity.isSuspended && verdict.isAdmitted && before.disabledAt !== undefined;
    const wanted: User = {
      ...before,
      displayName: person.displayName === '' ? before.displayName : person.displayName,
      role: verdict.role ?? before.role,
      disabledAt: isBack ? undefined : before.disabledAt,
    };
    const user = await this.#save(before, wanted, record);
    if (await store.now.providers.setMemberships(user.id, record.id, await this.#existing(verdict.groupIds)))
      await store.now.commands.post({ kind: 'recheck-user', userId: user.id }, clock.now());
    return user;
  }

  /** The provider does not know the person any more, or has disabled them: out with them, until it does again. */
  async suspend(record: ProviderRecord, identity: ExternalIdentity): Promise<void> {
    const { store, logins, clock } = this.#parts;
    const user = await store.now.users.find(identity.userId);
    if (user === undefined || user.disabledAt !== undefined) return;
    const disabled = await this.#update({ ...user, disabledAt: clock.now() });
    if (disabled === undefined) return;
    await store.now.providers.updateIdentity(identity, { isSuspended: true });
    await logins.endAllOf(user.id);
    await store.now.commands.post({ kind: 'recheck-user', userId: user.id }, clock.now());
    await this.#acted('user.disabled', disabled, record, { reason: 'the provider has disabled or removed the person' });
  }

  /** The rules have changed: what they make of everybody's groups as last seen. */
  async judgeAgain(record: ProviderRecord): Promise<void> {
    const { store } = this.#parts;
    for (const identity of await store.now.providers.listIdentities(record.id)) {
      const { groupIds } = await this.judge(record, identity);
      await store.now.providers.setMemberships(identity.userId, record.id, await this.#existing(groupIds));
    }
  }

  /** Undefined where somebody else made an account for the same person meanwhile. */
  async #create({ record, person, verdict }: Omit<Known, 'identity'>): Promise<User | undefined> {
    const { store, clock, random } = this.#parts;
    const groupIds = await this.#existing(verdict.groupIds);
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
        await store.transaction(async (tx) => {
          await tx.users.insert(user);
          await tx.providers.insertIdentity({
            ...{ providerId: record.id, subject: person.subject, userId: user.id, groups: person.groups },
            ...saidOf(person),
            ...{ seenAt: clock.now(), isSuspended: false },
          });
          await tx.providers.setMemberships(user.id, record.id, groupIds);
        });
      } catch (failure) {
        if (!isFault(failure, 'CONFLICT')) throw failure;
        if ((await store.now.providers.findIdentity(record.id, person.subject)) !== undefined) return undefined;
        continue;
      }
      await this.#acted('user.created', user, record, { detail: { role: user.role } });
      return user;
    }
    throw new Fault('CONFLICT', 'no free user name was found for the person');
  }

  async #save(before: User, wanted: User, record: ProviderRecord): Promise<User> {
    const { logins } = this.#parts;
    if (
      before.displayName === wanted.displayName &&
      before.role === wanted.role &&
      before.disabledAt === wanted.disabledAt
    )
      return before;
    const after = await this.#update(wanted);
    if (after === undefined) {
      const kept = { ...before, displayName: wanted.displayName };
      return (await this.#update(kept)) ?? before;
    }
    if (before.disabledAt !== undefined && after.disabledAt === undefined)
      await this.#acted('user.enabled', after, record, {});
    if (before.role !== after.role) {
      await this.#acted('user.updated', after, record, { detail: { role: after.role } });
      await logins.endAllOf(after.id);
    }
    return after;
  }

  /** INVARIANT: no provider takes the last administrator away. Undefined where it would. */
  async #update(user: User): Promise<User | undefined> {
    try {
      return await this.#parts.store.transaction(async (tx: StoreTransaction) => {
        const updated = await tx.users.update(user);
        if ((await tx.users.countEnabledAdministrators()) === 0)
          throw new Fault('LAST_ADMINISTRATOR', 'this is the last enabled administrator');
        return updated;
      });
    } catch (failure) {
      if (isFault(failure, 'LAST_ADMINISTRATOR')) return undefined;
      throw failure;
    }
  }

  /** A group that was removed since the rule was written is no reason to keep people out. */
  async #existing(ids: readonly string[]): Promise<readonly string[]> {
    if (ids.length === 0) return [];
    const known = new Set((await this.#parts.store.now.groups.list()).map(({ id }) => id));
    return ids.filter((id) => known.has(id));
  }

  /* eslint-disable max-params -- a shorthand of this file for the audit event's own parts */
  #acted(
    action: AuditEvent['action'],
    user: User,
    record: ProviderRecord,
    more: Pick<AuditEvent, 'reason' | 'detail'>,
  ): Promise<unknown> {
    return this.#parts.audit.append({
      action,
      actor: { kind: 'system', name: record.name },
      object: { kind: 'user', id: user.id, name: user.username },
      outcome: 'success',
      ...more,
      detail: { ...more.detail, provider: record.id },
    });
  }
  /* eslint-enable max-params */
}

interface Known {
  readonly record: ProviderRecord;
  readonly identity: ExternalIdentity;
  readonly person: AssertedPerson;
  readonly verdict: ProviderVerdict;
}

/** What a provider says, within the bounds of what is stored. @throws Fault PROVIDER_REFUSED without a usable subject */
function bounded(person: AssertedPerson): AssertedPerson {
  const { subject, groups } = person;
  if (subject === '' || subject.length > SUBJECT_MAX || /\p{C}/u.test(subject))
    throw new Fault('PROVIDER_REFUSED', 'the provider gave no usable subject');
  if (groups.length > MOST_GROUPS)
    throw new Fault('PROVIDER_REFUSED', `the provider named ${groups.length} groups, more than ${MOST_GROUPS}`);
  return {
    ...person,
    username: plain(person.username),
    displayName: plain(person.displayName),
    groups: [...new Set(groups.filter((group) => group.length <= 1_000 && !/\p{C}/u.test(group)))],
  };
}

/** What user names on machines may be made of. Whether it is fit for one is judged when one is made. */
function saidOf({ email, attributes = {} }: AssertedPerson): Pick<ExternalIdentity, 'email' | 'attributes'> {
  const isShort = (text: string | undefined): boolean => text !== undefined && text !== '' && text.length <= NAME_MAX;
  const kept = Object.entries(attributes).filter(([, value]) => isShort(value));
  return {
    ...(isShort(email) ? { email } : {}),
    attributes: Object.fromEntries(kept.slice(0, MOST_ATTRIBUTES)),
  };
}

function plain(text: string): string {
  const shown = text.normalize('NFKC').replaceAll(/\p{C}/gu, '').replaceAll(/\s+/gu, ' ').trim();
  return [...shown].slice(0, NAME_MAX).join('').trim();
}

/** The name itself, and what it becomes where somebody else has it: never their account. */
function namesFor(person: AssertedPerson, record: ProviderRecord, random: RandomSource): readonly string[] {
  const name = person.username === '' ? `user-${randomId(random).slice(0, 8)}` : person.username;
  const short = [...name].slice(0, 80).join('').trim();
  const at = `${short}@${plain(record.name).replaceAll(' ', '-').slice(0, 30)}`;
  return [name, at, `${at}-${randomId(random).slice(0, 6)}`];
}
