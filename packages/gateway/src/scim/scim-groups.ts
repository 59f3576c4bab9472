import { Fault, isFault } from '@enchilada/core/fault';
import type { ProviderRecord, ProvisionedGroup } from '@enchilada/core/identity';
import type { ProvisionedGroupQuery, Slice, Sliced, StoreTransaction } from '@enchilada/core/store';
import { randomId } from '@enchilada/core/time';
import { eventBy } from '../providers/provider-events.ts';
import { requireSwitchedOn } from './provisioning.ts';
import { scimFault } from './scim-message.ts';
import { operationsOf, patched, type PatchOperation } from './scim-patch.ts';
import { groupBody, type GroupContent, groupContent } from './scim-resource.ts';
import type { Precondition, ScimParts } from './scim-users.ts';

const TRIES = 5;

/**
 * Whoever is told to go once more was told before, by a request whose answer was lost: perhaps with the node that had written it and had taken
 * nobody's right yet.
 */
function idsIn(operations: readonly PatchOperation[]): readonly string[] {
  return [...new Set(JSON.stringify(operations).match(/\busr_[A-Za-z0-9_]{1,60}/gu) ?? [])];
}

function namesOf({ displayName, externalId }: Pick<GroupContent, 'displayName' | 'externalId'>): readonly string[] {
  return externalId === undefined ? [displayName] : [displayName, externalId];
}

/** The groups of an identity provider; rules lead from their names and external ids to groups and roles here. */
export class ScimGroups {
  readonly #parts: ScimParts;

  constructor(parts: ScimParts) {
    this.#parts = parts;
  }

  list(record: ProviderRecord, query: ProvisionedGroupQuery, slice: Slice): Promise<Sliced<ProvisionedGroup>> {
    return this.#parts.store.now.provisioning.listGroups(record.id, query, slice);
  }

  /** @throws Fault NOT_FOUND */
  async get(record: ProviderRecord, id: string): Promise<ProvisionedGroup> {
    const group = await this.#parts.store.now.provisioning.findGroup(record.id, id);
    if (group === undefined) throw new Fault('NOT_FOUND', 'there is no such group');
    return group;
  }

  async members({
    id,
    providerId,
  }: ProvisionedGroup): Promise<readonly { readonly id: string; readonly name: string }[]> {
    const { provisioning } = this.#parts.store.now;
    return Promise.all(
      (await provisioning.members(id)).map(async (userId) => ({
        id: userId,
        name: (await provisioning.findUser(providerId, userId))?.userName ?? '',
      })),
    );
  }

  async create(record: ProviderRecord, body: unknown): Promise<ProvisionedGroup> {
    const { clock, random } = this.#parts;
    const { members, ...content } = groupContent(body);
    await this.#requireKnown(record, members);
    const now = clock.now();
    const group: ProvisionedGroup = {
      ...content,
      ...{ id: `pgr_${randomId(random)}`, providerId: record.id, version: 1, createdAt: now, updatedAt: now },
    };
    return this.#write(record, 'created', async (tx) => {
      await requireSwitchedOn(tx, record);
      await tx.provisioning.insertGroup(group);
      await tx.provisioning.setMembers(group.id, members);
      return { group, changed: members };
    });
  }

  async replace(
    record: ProviderRecord,
    given: { readonly id: string; readonly body: unknown },
    requireCurrent: Precondition,
  ): Promise<ProvisionedGroup> {
    const before = await this.get(record, given.id);
    requireCurrent(before);
    return this.#change(record, before, groupContent(given.body));
  }

  /** Providers change a group from several workers at once: who is too late begins again from what is there then. */
  async patch(
    record: ProviderRecord,
    given: { readonly id: string; readonly body: unknown },
    requireCurrent: Precondition,
  ): Promise<ProvisionedGroup> {
    const operations = operationsOf(given.body);
    for (let tries = 1; ; tries++) {
      const before = await this.get(record, given.id);
      requireCurrent(before);
      const members = await this.#parts.store.now.provisioning.members(before.id);
      try {
        const content = groupContent(patched(groupBody(before, members), operations));
        return await this.#change(record, before, { ...content, named: idsIn(operations) });
      } catch (failure) {
        if (!isFault(failure, 'CONFLICT') || tries === TRIES) throw failure;
      }
    }
  }

  async delete(record: ProviderRecord, id: string): Promise<void> {
    const group = await this.get(record, id);
    await this.#write(record, 'deleted', async ({ provisioning }) => {
      const changed = await provisioning.members(id);
      await provisioning.deleteGroup(id);
      return { group, changed, alsoNamed: namesOf(group) };
    });
  }

  /** @param content `named`: whom the request is about; they are judged also where nothing is left to be written. */
  async #change(
    record: ProviderRecord,
    before: ProvisionedGroup,
    content: GroupContent & { readonly named?: readonly string[] },
  ): Promise<ProvisionedGroup> {
    const { store, clock } = this.#parts;
    const { members, named = [], ...fields } = content;
    const had = new Set(await store.now.provisioning.members(before.id));
    await this.#requireKnown(
      record,
      members.filter((id) => !had.has(id)),
    );
    return this.#write(record, 'changed', async (tx) => {
      const group = await tx.provisioning.updateGroup({ ...before, ...fields, updatedAt: clock.now() });
      const moved = await tx.provisioning.setMembers(before.id, members);
      const isRenamed = namesOf(before).join('\n') !== namesOf(group).join('\n');
      if (isRenamed || members.some((id) => !had.has(id))) await requireSwitchedOn(tx, record);
      const changed = [...new Set([...moved, ...named, ...(isRenamed ? members : [])])];
      return { group, changed, alsoNamed: isRenamed ? namesOf(before) : [] };
    });
  }

  /** Groups in groups are not taken. @throws Fault INVALID_REQUEST */
  async #requireKnown(record: ProviderRecord, members: readonly string[]): Promise<void> {
    const { provisioning } = this.#parts.store.now;
    for (const id of members) {
      const user = await provisioning.findUser(record.id, id);
      if (user === undefined || user.deletedAt !== undefined)
        throw scimFault('invalidValue', `there is no user ${JSON.stringify(id.slice(0, 100))} to be a member`);
    }
  }

  #write(
    record: ProviderRecord,
    act: 'created' | 'changed' | 'deleted',
    work: (tx: StoreTransaction) => Promise<GroupChange>,
  ): Promise<ProvisionedGroup> {
    return this.#parts.people.write(async (tx) => {
      const { group, changed, alsoNamed = [] } = await work(tx);
      const event = eventBy(record, {
        action: 'provisioned-group.changed',
        object: { kind: 'provider', id: record.id, name: record.name },
        detail: { act, group: group.displayName, changedMembers: changed.length },
      });
      const names = new Set([...namesOf(group), ...alsoNamed]);
      const { rules = [] } = (await tx.providers.find(record.id)) ?? {};
      const judged = rules.some(({ from }) => names.has(from))
        ? { people: changed, everybody: alsoNamed.length > 0 }
        : {};
      return { result: group, owed: { providerId: record.id, event, ...judged } };
    });
  }
}

interface GroupChange {
  readonly group: ProvisionedGroup;
  readonly changed: readonly string[];
  /** Names that the group no longer has: they may be those of a sign-in's groups again. */
  readonly alsoNamed?: readonly string[];
}
