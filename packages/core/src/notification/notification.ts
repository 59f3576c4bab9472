import type { Secret, WrappedKey } from '../credential/index.ts';
import type { LocalizedText, ParameterField, ParameterValues } from '../engine/index.ts';
import type { DeliveryProblem } from './delivery-problem.ts';

/** What people are told about, by permanent words. */
export const NOTIFICATION_EVENTS = [
  'request.asked',
  'request.approved',
  'request.denied',
  'request.cancelled',
  'request.break-glass',
  'notification.test',
] as const;
export type NotificationEvent = (typeof NOTIFICATION_EVENTS)[number];

/** One piece of news, as it waits to be delivered. INVARIANT: plain values, and never a secret. */
export interface Notification {
  /** The same in each attempt, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly event: NotificationEvent;
  readonly at: number;
  /** One line, in English, for people. */
  readonly title: string;
  /** Named facts in the order in which they are shown. */
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  /** Where one can do something about it. */
  readonly link: string;
  /** Nobody agreed to it beforehand. */
  readonly loud: boolean;
}

export type EndpointId = string;
export type EndpointKind = string;

export interface NotificationEndpoint {
  readonly id: EndpointId;
  readonly kind: EndpointKind;
  readonly name: string;
  readonly parameters: ParameterValues;
  /** Wrapped by the key-encryption key, bound to the endpoint. */
  readonly secret: WrappedKey | undefined;
  readonly enabled: boolean;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deliveredAt: number | undefined;
  /** Why the last attempt failed; absent after a success. */
  readonly problem: DeliveryProblem | undefined;
}

/** One notification on its way to one endpoint. */
export interface QueuedNotification {
  readonly id: string;
  readonly endpointId: EndpointId;
  readonly notification: Notification;
  readonly attempts: number;
  readonly nextAt: number;
}

export interface NotifierManifest {
  readonly kind: EndpointKind;
  readonly label: LocalizedText;
  readonly parameters: readonly ParameterField[];
  /** What the one secret of such an endpoint is called, and whether there is none without it. */
  readonly secret: { readonly label: LocalizedText; readonly help: LocalizedText; readonly required: boolean };
}

/** Carries a notification out of the house. @throws Fault NOTIFICATION_FAILED */
export interface Notifier {
  deliver(notification: Notification, signal: AbortSignal): Promise<void>;
}

export interface NotifierType {
  readonly manifest: NotifierManifest;
  /** @throws Fault CONFIGURATION_INVALID */
  open(endpoint: { readonly parameters: ParameterValues; readonly secret: Secret | undefined }): Notifier;
}
