import type { AuditLog } from '@enchilada/core/audit';
import { type KeyEncryption, Secret, SecretBytes, type WrappedKey } from '@enchilada/core/credential';
import { Fault, isFault, toFault } from '@enchilada/core/fault';
import {
  deliveryFault,
  deliveryProblemOf,
  type EndpointId,
  type EndpointKind,
  type Notification,
  type NotificationEndpoint,
  type Notifier,
  type NotifierType,
  type QueuedNotification,
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
/** Endpoints of one node. */
const MOST_AT_ONCE = 16;
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
  readonly #serving = new Set<EndpointId>();
  /** Served, and more has come. */
  readonly #again = new Set<EndpointId>();
  readonly #restsUntil = new Map<EndpointId, number>();

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
    return this.#parts.keys.wrap(new SecretBytes(new TextEncoder().encode(secret.reveal())), endpointSecretContext(id));
  }

  /** @throws Fault CONFIGURATION_INVALID, KEY_UNAVAILABLE */
  async open({ id, kind, parameters, secret }: NotificationEndpoint): Promise<Notifier> {
    const type = this.typeOf(kind);
    if (secret === undefined) return type.open({ parameters, secret: undefined });
    using bytes = await this.#parts.keys.unwrap(secret, endpointSecretContext(id));
    return type.open({ parameters, secret: new Secret(new TextDecoder().decode(bytes.reveal())) });
  }

  /** At once and without the outbox. @throws Fault NOTIFICATION_FAILED */
  async deliverNow(endpoint: NotificationEndpoint, notification: Notification): Promise<void> {
    const { store, clock } = this.#parts;
    try {
      await this.#within(async (signal) => (await this.open(endpoint)).deliver(notification, signal));
      await store.now.notifications.noteOutcome(endpoint.id, { at: clock.now() });
    } catch (failure) {
      await store.now.notifications.noteOutcome(endpoint.id, { problem: deliveryProblemOf(toFault(failure)) });
      throw failure;
    }
  }

  /** Serves every endpoint for which something is due and that is not served already; ends when those that it began with are. */
  async run(): Promise<void> {
    const { store, clock } = this.#parts;
    const now = clock.now();
    const waiting: EndpointId[] = [];
    for (const id of await store.now.notifications.endpointsDue(now)) {
      const isServed = this.#serving.has(id);
      if (isServed) this.#again.add(id);
      else if ((this.#restsUntil.get(id) ?? 0) <= now) waiting.push(id);
    }
    const begun = waiting.slice(0, Math.max(0, MOST_AT_ONCE - this.#serving.size));
    for (const id of begun) this.#serving.add(id);
    await Promise.all(
      begun.map((id) =>
        this.#serve(id).finally(() => {
          this.#serving.delete(id);
        }),
      ),
    );
  }

  /** INVARIANT: an endpoint waits for no other. One endpoint, in order; where it does not answer, the rest waits with the first. */
  async #serve(id: EndpointId): Promise<void> {
    const { store, clock } = this.#parts;
    const { notifications } = store.now;
    let isMore = true;
    while (isMore) {
      this.#again.delete(id);
      const entries = await notifications.due(id, clock.now(), BATCH);
      for (const entry of entries) {
        if (!(await notifications.take(entry, clock.now() + LEASE_MS))) continue;
        const endpoint = await notifications.findEndpoint(id);
        if (endpoint?.enabled !== true) {
          await notifications.remove(entry.id);
          continue;
        }
        try {
          await this.deliverNow(endpoint, entry.notification);
          await notifications.remove(entry.id);
          this.#restsUntil.delete(id);
        } catch (failure) {
          await this.#failed(endpoint, entry, toFault(failure));
          if (!isFault(failure, 'NOTIFICATION_FAILED')) continue;
          this.#restsUntil.set(id, clock.now() + FIRST_PAUSE_MS);
          return;
        }
      }
      isMore = entries.length === BATCH || this.#again.has(id);
    }
  }

  /** INVARIANT: ends in time, also where a notifier takes no notice of its signal. @throws Fault NOTIFICATION_FAILED */
  async #within(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const limit = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    using _timer = this.#parts.clock.after(ATTEMPT_MS, () => {
      const fault = deliveryFault({ reason: 'timed-out' }, `no answer within ${ATTEMPT_MS / 1_000} s`);
      limit.abort(fault);
      reject(fault);
    });
    await Promise.race([work(limit.signal), promise]);
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

export function endpointSecretContext(id: EndpointId): string {
  return `notification-endpoint ${id}`;
}
