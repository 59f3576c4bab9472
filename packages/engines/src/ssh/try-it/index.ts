export { createTryItMachine } from './try-it-machine.ts';
export type { TryItMachine, TryItMachineOptions } from './try-it-machine.ts';
