export { FAULTS, Fault, isFault, toFault } from './fault.ts';
export type { FaultCode } from './fault.ts';
