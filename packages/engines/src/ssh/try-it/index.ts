export { createTryItMachine } from './try-it-machine.ts';
export type { TryItMachine } from './try-it-machine.ts';
