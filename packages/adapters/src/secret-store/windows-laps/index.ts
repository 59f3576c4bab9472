export { windowsLaps } from './laps-store.ts';
