export { terminalHistories } from './terminal-history.ts';
