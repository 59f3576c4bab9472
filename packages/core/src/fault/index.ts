export { FAULTS, Fault, isFault, toFault } from './fault.ts';
export type { FaultCode, FaultFacts } from './fault.ts';
