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
