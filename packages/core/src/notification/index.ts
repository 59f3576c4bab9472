export {
  DELIVERY_REASONS,
  deliveryFault,
  deliveryProblemOf,
  problemFrom,
  readDeliveryProblem,
  type DeliveryProblem,
  type DeliveryReason,
} from './delivery-problem.ts';
export { NOTIFICATION_EVENTS } from './notification.ts';
export type {
  EndpointId,
  EndpointKind,
  Notification,
  NotificationEndpoint,
  NotificationEvent,
  Notifier,
  NotifierManifest,
  NotifierType,
  QueuedNotification,
} from './notification.ts';
