export { COMMANDS } from './commands.ts';
export type { Command } from './frame/command.ts';
export type { Io } from './frame/io.ts';
export { run } from './frame/run.ts';
