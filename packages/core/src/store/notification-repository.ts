import type { DeliveryProblem, EndpointId, NotificationEndpoint, QueuedNotification } from '../notification/index.ts';

export interface NotificationRepository {
  /** @throws Fault CONFLICT where the name is taken */
  insertEndpoint(endpoint: NotificationEndpoint): Promise<void>;
  findEndpoint(id: EndpointId): Promise<NotificationEndpoint | undefined>;
  listEndpoints(): Promise<readonly NotificationEndpoint[]>;
  /** Writes all columns where the stored version is `endpoint.version`, and raises it. @throws Fault CONFLICT, NOT_FOUND */
  updateEndpoint(endpoint: NotificationEndpoint): Promise<NotificationEndpoint>;
  /** With everything that waits for it. */
  deleteEndpoint(id: EndpointId): Promise<boolean>;
  noteOutcome(id: EndpointId, outcome: { readonly at: number } | { readonly problem: DeliveryProblem }): Promise<void>;
  queue(entries: readonly QueuedNotification[]): Promise<void>;
  /** Endpoints for which something's time has come, the one that waits longest first. */
  endpointsDue(now: number): Promise<readonly EndpointId[]>;
  /** Those of one endpoint whose time has come, oldest first. */
  due(endpoint: EndpointId, now: number, limit: number): Promise<readonly QueuedNotification[]>;
  /** Takes one for an attempt and puts it off until `nextAt`; exactly one of many racing nodes gets true. */
  take(entry: QueuedNotification, nextAt: number): Promise<boolean>;
  /** Delivered, or given up. */
  remove(id: string): Promise<void>;
  /** So long it waits at most. */
  postpone(id: string, nextAt: number): Promise<void>;
}
