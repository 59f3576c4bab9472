import type { SecretStore as SecretStoreView } from '@enchilada/contract';
import type { AuditAction, AuditEvent } from '@enchilada/core/audit';
import {
  externalIdOfStore,
  Secret,
  type SecretStoreManifest,
  type SecretStoreRecord,
} from '@enchilada/core/credential';
import { checkParameters } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { randomId } from '@enchilada/core/time';
import { actorOf, type Handlers, type SignedInContext } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { requireSecretAnew } from './kept-secret.ts';
import { requireCurrent } from './require-current.ts';

type SecretStoreHandlers = Pick<
  Handlers,
  'listSecretStoreKinds' | 'listSecretStores' | 'createSecretStore' | 'updateSecretStore' | 'deleteSecretStore'
>;

function viewOf(
  record: SecretStoreRecord,
  { manifest, credentials }: { readonly manifest: SecretStoreManifest | undefined; readonly credentials: number },
): SecretStoreView {
  const { id, kind, name, version, createdAt, updatedAt } = record;
  return {
    ...{ id, kind, name, version, createdAt, updatedAt, credentials },
    parameters: Object.fromEntries(
      Object.entries(record.parameters).map(([key, value]) => [key, typeof value === 'object' ? [...value] : value]),
    ),
    hasSecret: record.secret !== undefined,
    ...(manifest?.usesExternalId === true ? { externalId: externalIdOfStore(id) } : {}),
  };
}

export function secretStoreHandlers({
  store,
  settlements,
  clock,
  random,
  secretStores,
}: ApiParts): SecretStoreHandlers {
  async function found(id: string): Promise<SecretStoreRecord> {
    const record = await store.now.secretStores.find(id);
    if (record === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return record;
  }
  const usesOf = async (id: string): Promise<number> =>
    (await store.now.secretStores.list()).find((record) => record.id === id)?.credentials ?? 0;

  const shown = (record: SecretStoreRecord, credentials: number): SecretStoreView =>
    viewOf(record, { manifest: secretStores.types.get(record.kind)?.manifest, credentials });

  /** @throws Fault INVALID_REQUEST */
  function requireGood({ kind, parameters }: Pick<SecretStoreRecord, 'kind' | 'parameters'>, secret?: string): void {
    const type = secretStores.typeOf(kind);
    const [problem] = checkParameters(type.manifest, parameters);
    if (problem !== undefined)
      throw new Fault('INVALID_REQUEST', `parameters/${problem.field} ${problem.message}`, {
        facts: { field: `body/parameters/${problem.field}` },
      });
    if (secret !== undefined && type.manifest.secret === undefined)
      throw new Fault('INVALID_REQUEST', `a store of the kind ${kind} has no secret of its own`, {
        facts: { field: 'body/secret' },
      });
    type.open({ id: '', parameters, secret: undefined });
  }

  const eventOf = (
    context: SignedInContext,
    action: AuditAction,
    { id, name, kind, parameters }: SecretStoreRecord,
  ): AuditEvent => ({
    action,
    ...actorOf(context),
    object: { kind: 'secret-store', id, name },
    outcome: 'success',
    detail: { kind, parameters: JSON.stringify(parameters).slice(0, 2_000) },
  });

  return {
    listSecretStoreKinds: () =>
      Promise.resolve({
        items: [...secretStores.types.values()].map(({ manifest }) => ({
          ...manifest,
          parameters: manifest.parameters.map((field) =>
            field.kind === 'choice' ? { ...field, options: [...field.options] } : field,
          ),
        })),
      }),

    listSecretStores: async () => ({
      items: (await store.now.secretStores.list()).map((record) => shown(record, record.credentials)),
    }),

    createSecretStore: async (context, { body }) => {
      const { secret, ...fields } = body;
      requireGood(fields, secret);
      const id = `sst_${randomId(random)}`;
      const now = clock.now();
      const record: SecretStoreRecord = {
        ...fields,
        id,
        secret: secret === undefined ? undefined : await secretStores.seal(id, new Secret(secret)),
        version: 1,
        createdAt: now,
        updatedAt: now,
      };
      await settlements.write(async (tx) => {
        await tx.secretStores.insert(record);
        return { result: undefined, events: [eventOf(context, 'secret-store.created', record)] };
      });
      return shown(record, 0);
    },

    updateSecretStore: async (context, { params, body }) => {
      const { secret, ...fields } = body;
      const before = await found(params.id);
      requireCurrent(before, body.version);
      requireGood({ ...before, ...fields }, secret);
      const { manifest } = secretStores.typeOf(before.kind);
      requireSecretAnew(manifest.parameters, before, { secret, parameters: fields.parameters });
      const wanted: SecretStoreRecord = {
        ...before,
        ...fields,
        secret: secret === undefined ? before.secret : await secretStores.seal(before.id, new Secret(secret)),
        updatedAt: clock.now(),
      };
      const after = await settlements.write(async (tx) => {
        const updated = await tx.secretStores.update(wanted);
        return { result: updated, events: [eventOf(context, 'secret-store.updated', updated)] };
      });
      return shown(after, await usesOf(after.id));
    },

    deleteSecretStore: async (context, { params }) => {
      const record = await found(params.id);
      await settlements.write(async (tx) => {
        await tx.secretStores.delete(record.id);
        return { result: undefined, events: [eventOf(context, 'secret-store.deleted', record)] };
      });
      return undefined;
    },
  };
}
