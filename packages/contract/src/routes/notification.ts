import {
  NotificationEndpoint,
  NotificationEndpointCreate,
  NotificationEndpointUpdate,
  NotifierKind,
} from '../models/notification.ts';
import { routes } from '../route.ts';
import { closed, IdParams, list, Nothing } from '../schema.ts';

export const notificationRoutes = routes({
  listNotifierKinds: {
    method: 'GET',
    path: '/notifications/kinds',
    access: 'settings.read',
    summary: 'The kinds of endpoints for notifications: labels and form fields.',
    response: { 200: closed({ items: list(NotifierKind, 50) }) },
  },
  listNotificationEndpoints: {
    method: 'GET',
    path: '/notifications',
    access: 'settings.read',
    summary: 'Where notifications go, and how the last delivery went.',
    response: { 200: closed({ items: list(NotificationEndpoint, 1_000) }) },
  },
  createNotificationEndpoint: {
    method: 'POST',
    path: '/notifications',
    access: 'settings.write',
    summary: 'Adds an endpoint for notifications.',
    body: NotificationEndpointCreate,
    response: { 201: NotificationEndpoint },
    audit: ['notification-endpoint.created'],
  },
  updateNotificationEndpoint: {
    method: 'PUT',
    path: '/notifications/:id',
    access: 'settings.write',
    summary: "Replaces an endpoint's settings.",
    params: IdParams,
    body: NotificationEndpointUpdate,
    response: { 200: NotificationEndpoint },
    audit: ['notification-endpoint.updated'],
  },
  deleteNotificationEndpoint: {
    method: 'DELETE',
    path: '/notifications/:id',
    access: 'settings.write',
    summary: 'Removes an endpoint, and what waits for it.',
    params: IdParams,
    response: { 204: Nothing },
    audit: ['notification-endpoint.deleted'],
  },
  testNotificationEndpoint: {
    method: 'POST',
    path: '/notifications/:id/test',
    access: 'settings.write',
    summary: 'Delivers a test message at once, and says why it cannot be delivered.',
    params: IdParams,
    response: { 204: Nothing },
    audit: ['notification-endpoint.tested'],
  },
});
