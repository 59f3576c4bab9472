import type { AuditLog } from '@enchilada/core/audit';
import { type KeyEncryption, Secret, SecretBytes, type WrappedKey } from '@enchilada/core/credential';
import { Fault, isFault, toFault } from '@enchilada/core/fault';
import type {
  EndpointId,
  EndpointKind,
  Notification,
  NotificationEndpoint,
  Notifier,
  NotifierType,
  QueuedNotification,
} from '@enchilada/core/notification';
import type { Store } from '@enchilada/core/store';
import type { Clock } from '@enchilada/core/time';

export interface CourierParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly keys: KeyEncryption;
  readonly types: readonly NotifierType[];
  readonly clock: Clock;
  readonly nodeId: string;
  readonly publicUrl: () => string;
}

const BATCH = 50;
/** So long nobody else tries what this node has taken. */
const LEASE_MS = 60_000;
const ATTEMPT_MS = 25_000;
const FIRST_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** About a day. */
const MOST_ATTEMPTS = 32;

/** Delivers what waits in the outbox: each piece by one node at a time, again and again with longer pauses, and blocks nobody. */
export class Courier {
  readonly #parts: CourierParts;
  readonly types: ReadonlyMap<EndpointKind, NotifierType>;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(parts: CourierParts) {
    this.#parts = parts;
    this.types = new Map(parts.types.map((type) => [type.manifest.kind, type]));
  }

  get link(): string {
    return `${this.#parts.publicUrl()}/requests`;
  }

  /** @throws Fault INVALID_REQUEST */
  typeOf(kind: EndpointKind): NotifierType {
    const type = this.types.get(kind);
    if (type === undefined)
      throw new Fault('INVALID_REQUEST', `kind must be one of ${[...this.types.keys()].join(', ')}`, {
        facts: { field: 'body/kind' },
      });
    return type;
  }

  seal(id: EndpointId, secret: Secret): Promise<WrappedKey> {
    return this.#parts.keys.wrap(new SecretBytes(new TextEncoder().encode(secret.reveal())), contextOf(id));
  }

  /** @throws Fault CONFIGURATION_INVALID, KEY_UNAVAILABLE */
  async open({ id, kind, parameters, secret }: NotificationEndpoint): Promise<Notifier> {
    const type = this.typeOf(kind);
    if (secret === undefined) return type.open({ parameters, secret: undefined });
    using bytes = await this.#parts.keys.unwrap(secret, contextOf(id));
    return type.open({ parameters, secret: new Secret(new TextDecoder().decode(bytes.reveal())) });
  }

  /** At once and without the outbox. @throws Fault NOTIFICATION_FAILED */
  async deliverNow(endpoint: NotificationEndpoint, notification: Notification): Promise<void> {
    const { store, clock } = this.#parts;
    try {
      await (await this.open(endpoint)).deliver(notification, AbortSignal.timeout(ATTEMPT_MS));
      await store.now.notifications.noteOutcome(endpoint.id, { at: clock.now() });
    } catch (failure) {
      await store.now.notifications.noteOutcome(endpoint.id, { problem: toFault(failure).message.slice(0, 500) });
      throw failure;
    }
  }

  /** Does what is due; a second call while the first one runs makes it look once more. */
  run(): Promise<void> {
    if (this.#running !== undefined) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #work(): Promise<void> {
    const { store, clock } = this.#parts;
    do {
      this.#again = false;
      const due = await store.now.notifications.due(clock.now(), BATCH);
      const endpoints = [...new Set(due.map(({ endpointId }) => endpointId))];
      await Promise.all(
        endpoints.map((id) =>
          this.#serve(
            id,
            due.filter(({ endpointId }) => endpointId === id),
          ),
        ),
      );
      if (due.length === BATCH) this.#again = true;
    } while (this.#again);
  }

  /** One endpoint, in order; where it does not answer, the rest waits with the first. */
  async #serve(id: EndpointId, entries: readonly QueuedNotification[]): Promise<void> {
    const { store, clock } = this.#parts;
    const { notifications } = store.now;
    const endpoint = await notifications.findEndpoint(id);
    for (const entry of entries) {
      if (!(await notifications.take(entry, clock.now() + LEASE_MS))) continue;
      if (endpoint?.enabled !== true) {
        await notifications.remove(entry.id);
        continue;
      }
      try {
        await this.deliverNow(endpoint, entry.notification);
        await notifications.remove(entry.id);
      } catch (failure) {
        await this.#failed(endpoint, entry, toFault(failure));
        if (isFault(failure, 'NOTIFICATION_FAILED')) return;
      }
    }
  }

  async #failed(endpoint: NotificationEndpoint, entry: QueuedNotification, fault: Fault): Promise<void> {
    const { store, clock, audit, nodeId } = this.#parts;
    const attempts = entry.attempts + 1;
    if (attempts < MOST_ATTEMPTS) {
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), LONGEST_PAUSE_MS);
      await store.now.notifications.postpone(entry.id, clock.now() + pauseMs);
    } else await store.now.notifications.remove(entry.id);
    // The first time and the last: what happens in between is the same.
    if (attempts > 1 && attempts < MOST_ATTEMPTS) return;
    await audit.append({
      action: 'notification.failed',
      actor: { kind: 'system', name: nodeId },
      object: { kind: 'notification-endpoint', id: endpoint.id, name: endpoint.name },
      outcome: 'failure',
      reason: fault.message.slice(0, 500),
      detail: { event: entry.notification.event, notification: entry.notification.id, attempts },
    });
  }
}

function contextOf(id: EndpointId): string {
  return `notification-endpoint ${id}`;
}
