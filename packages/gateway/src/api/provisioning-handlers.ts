import type { AuditAction, AuditEvent } from '@enchilada/core/audit';
import { Fault } from '@enchilada/core/fault';
import { type ProviderRecord, requireRecentProof } from '@enchilada/core/identity';
import { actorOf, type Handlers, type SignedInContext } from '../http/context.ts';
import { Provisioning, scimPath } from '../scim/provisioning.ts';
import type { ApiParts } from './api-parts.ts';
import { OWN_ACCOUNT_MS } from './factor-handlers.ts';
import { requireHeld } from './require-held.ts';

type ProvisioningHandlers = Pick<Handlers, 'getProvisioning' | 'renewProvisioningToken' | 'removeProvisioning'>;

const NONE = { offset: 0, limit: 0 };

function eventOf(context: SignedInContext, action: AuditAction, { id, name }: ProviderRecord): AuditEvent {
  return { action, ...actorOf(context), object: { kind: 'provider', id, name }, outcome: 'success' };
}

export function provisioningHandlers(parts: ApiParts): ProvisioningHandlers {
  const { store, audit, signInAt, factors, clock, providerPeople } = parts;
  const provisioning = new Provisioning(parts);

  async function found(id: string): Promise<ProviderRecord> {
    const record = await store.now.providers.find(id);
    if (record === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return record;
  }
  const baseUrl = (id: string): string => `${signInAt.publicUrl}${scimPath(id)}`;

  return {
    getProvisioning: async (_context, { params }) => {
      const { id } = await found(params.id);
      const [token, people, groups] = await Promise.all([
        store.now.provisioning.findToken(id),
        store.now.provisioning.listUsers(id, {}, NONE),
        store.now.provisioning.listGroups(id, {}, NONE),
      ]);
      const creator = token && (await store.now.users.find(token.createdBy));
      return {
        ...{ baseUrl: baseUrl(id), people: people.total, groups: groups.total },
        ...(token === undefined
          ? {}
          : {
              token: {
                createdAt: token.createdAt,
                createdBy: creator?.username ?? token.createdBy,
                ...(token.lastUsedAt === undefined ? {} : { lastUsedAt: token.lastUsedAt }),
              },
            }),
      };
    },

    // INVARIANT: whoever provisions says who is in the groups that rules lead from, those of administrators too (T14).
    renewProvisioningToken: async (context, { params }) => {
      requireHeld(context, 'administrator');
      const { identity } = context;
      const factor = (await factors.listOf(identity.user.id)).length > 0;
      requireRecentProof(identity, { withinMs: OWN_ACCOUNT_MS, factor }, clock.now());
      const record = await found(params.id);
      const { value } = await provisioning.renewToken(record.id, context.identity.user.id);
      await audit.append(eventOf(context, 'provisioning.token-created', record));
      return { baseUrl: baseUrl(record.id), value };
    },

    removeProvisioning: async (context, { params }) => {
      requireHeld(context, 'administrator');
      const record = await found(params.id);
      await providerPeople.write(async (tx) => {
        await tx.provisioning.forget(record.id);
        const event = eventOf(context, 'provisioning.removed', record);
        return { result: undefined, owed: { providerId: record.id, event, everybody: true } };
      });
      return undefined;
    },
  };
}
