export { type Admitted, AwsStandIn } from './aws-stand-in.ts';
export { EventQueue } from './event-queue.ts';
export { called, stateChange, tagChange } from './events.ts';
export { QueueDoor } from './queue-door.ts';
export { machineOf, organisationIn } from './organisation.ts';
