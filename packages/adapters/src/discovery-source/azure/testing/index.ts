export { AzureStandIn } from './azure-stand-in.ts';
export { EventQueue } from './event-queue.ts';
export { QueueDoor } from './queue-door.ts';
export { message, notification, resourceEvent } from './events.ts';
