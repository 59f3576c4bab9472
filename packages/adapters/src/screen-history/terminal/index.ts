export { terminalHistories } from './terminal-history.ts';
export type { TerminalHistoryOptions } from './terminal-history.ts';
