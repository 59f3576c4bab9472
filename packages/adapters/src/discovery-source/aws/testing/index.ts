export { AwsStandIn } from './aws-stand-in.ts';
export type { StandInInstance } from './aws-stand-in.ts';
export { stateChange, tagChange, called } from './events.ts';
