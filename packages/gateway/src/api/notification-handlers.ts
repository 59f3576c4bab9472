import type { NotificationEndpoint as EndpointView } from '@enchilada/contract';
import type { AuditAction, AuditEvent } from '@enchilada/core/audit';
import { Secret } from '@enchilada/core/credential';
import { checkParameters } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { NotificationEndpoint } from '@enchilada/core/notification';
import { randomId } from '@enchilada/core/time';
import { actorOf, type Handlers, type SignedInContext } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { requireSecretAnew } from './kept-secret.ts';
import { requireCurrent } from './require-current.ts';

type NotificationHandlers = Pick<
  Handlers,
  | 'listNotifierKinds'
  | 'listNotificationEndpoints'
  | 'createNotificationEndpoint'
  | 'updateNotificationEndpoint'
  | 'deleteNotificationEndpoint'
  | 'testNotificationEndpoint'
>;

function viewOf({ secret, deliveredAt, problem, parameters, ...record }: NotificationEndpoint): EndpointView {
  return {
    ...record,
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([key, value]) => [key, typeof value === 'object' ? [...value] : value]),
    ),
    hasSecret: secret !== undefined,
    ...(deliveredAt === undefined ? {} : { deliveredAt }),
    ...(problem === undefined ? {} : { problem }),
  };
}

export function notificationHandlers({
  store,
  audit,
  settlements,
  courier,
  clock,
  random,
}: ApiParts): NotificationHandlers {
  async function found(id: string): Promise<NotificationEndpoint> {
    const endpoint = await store.now.notifications.findEndpoint(id);
    if (endpoint === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return endpoint;
  }

  const wrong = (field: string, message: string): Fault =>
    new Fault('INVALID_REQUEST', `${field} ${message}`, { facts: { field: `body/${field}` } });

  /** @throws Fault INVALID_REQUEST, CONFIGURATION_INVALID */
  async function requireGood(endpoint: NotificationEndpoint): Promise<void> {
    const { manifest } = courier.typeOf(endpoint.kind);
    const [problem] = checkParameters(manifest, endpoint.parameters);
    if (problem !== undefined) throw wrong(`parameters/${problem.field}`, problem.message);
    if (manifest.secret.required && endpoint.secret === undefined) throw wrong('secret', 'is needed');
    try {
      await courier.open(endpoint);
    } catch (failure) {
      if (failure instanceof Fault && failure.code === 'CONFIGURATION_INVALID')
        throw wrong(String(failure.facts['key'] ?? 'parameters'), failure.message);
      throw failure;
    }
  }

  const eventOf = (
    context: SignedInContext,
    action: AuditAction,
    { id, name, kind, enabled }: NotificationEndpoint,
  ): AuditEvent => ({
    action,
    ...actorOf(context),
    object: { kind: 'notification-endpoint', id, name },
    outcome: 'success',
    detail: { kind, enabled },
  });
  const acted = (...event: Parameters<typeof eventOf>) => audit.append(eventOf(...event));

  return {
    listNotifierKinds: () =>
      Promise.resolve({
        items: [...courier.types.values()].map(({ manifest }) => ({
          ...manifest,
          parameters: manifest.parameters.map((field) =>
            field.kind === 'choice' ? { ...field, options: [...field.options] } : field,
          ),
        })),
      }),

    listNotificationEndpoints: async () => ({ items: (await store.now.notifications.listEndpoints()).map(viewOf) }),

    createNotificationEndpoint: async (context, { body }) => {
      const { secret, ...fields } = body;
      const now = clock.now();
      const id = `end_${randomId(random)}`;
      const endpoint: NotificationEndpoint = {
        ...fields,
        id,
        secret: secret === undefined ? undefined : await courier.seal(id, new Secret(secret)),
        ...{ version: 1, createdAt: now, updatedAt: now, deliveredAt: undefined, problem: undefined },
      };
      await requireGood(endpoint);
      await store.now.notifications.insertEndpoint(endpoint);
      await acted(context, 'notification-endpoint.created', endpoint);
      return viewOf(endpoint);
    },

    updateNotificationEndpoint: async (context, { params, body }) => {
      const { secret, ...fields } = body;
      const before = await found(params.id);
      requireCurrent(before, body.version);
      const { manifest } = courier.typeOf(before.kind);
      requireSecretAnew(manifest.parameters, before, { secret, parameters: fields.parameters });
      const wanted: NotificationEndpoint = {
        ...before,
        ...fields,
        secret: secret === undefined ? before.secret : await courier.seal(before.id, new Secret(secret)),
        updatedAt: clock.now(),
      };
      await requireGood(wanted);
      const after = await settlements.write(async (tx) => {
        const updated = await tx.notifications.updateEndpoint(wanted);
        return { result: updated, events: [eventOf(context, 'notification-endpoint.updated', updated)] };
      });
      return viewOf(after);
    },

    deleteNotificationEndpoint: async (context, { params }) => {
      const endpoint = await found(params.id);
      await settlements.write(async (tx) => {
        await tx.notifications.deleteEndpoint(endpoint.id);
        return { result: undefined, events: [eventOf(context, 'notification-endpoint.deleted', endpoint)] };
      });
      return undefined;
    },

    testNotificationEndpoint: async (context, { params }) => {
      const endpoint = await found(params.id);
      await courier.deliverNow(endpoint, {
        id: `ntf_${randomId(random)}`,
        event: 'notification.test',
        at: clock.now(),
        title: 'Enchilada: a test message',
        facts: [{ name: 'Sent by', value: context.identity.user.username }],
        link: courier.link,
        loud: false,
      });
      await acted(context, 'notification-endpoint.tested', endpoint);
      return undefined;
    },
  };
}
