export { Person } from './person.ts';
export { Shell } from './shell.ts';
export type { ShellOptions } from './shell.ts';
