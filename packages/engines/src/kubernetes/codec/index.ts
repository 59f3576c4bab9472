export { CHANNEL, inputFrame, readFrame, resizeFrame, SUBPROTOCOLS } from './channel-frames.ts';
export type { ChannelFrame, Subprotocol } from './channel-frames.ts';
export { isName, namesOf, podOf } from './objects.ts';
export type { Container, Pod } from './objects.ts';
export { outcomeOf, readStatus } from './status.ts';
export type { Outcome, Status } from './status.ts';
