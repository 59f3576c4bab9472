export { AzureStandIn } from './azure-stand-in.ts';
export { EventQueue } from './event-queue.ts';
export { message, notification, resourceEvent } from './events.ts';
