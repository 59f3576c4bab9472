import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';

/** What else had the machine while something was measured. */
export interface MachineState {
  /** The load of the last minute when the measuring began: other work, on a machine with nothing to do 0. */
  readonly loadBefore: number;
  /** The share of the processor, in percent, that the host gave to others (steal); absent where no host tells. */
  readonly stolenPercent?: number;
}

/** Above these, times and percentiles say more of the machine than of the product. */
const DISTURBED = { loadBefore: 1, stolenPercent: 5 };

/** Ticks of all processors since the start, by column of the line `cpu`. https://man7.org/linux/man-pages/man5/proc_stat.5.html */
function ticks(): readonly number[] | undefined {
  try {
    return /^cpu +(.*)$/mu.exec(readFileSync('/proc/stat', 'utf8'))?.[1]?.split(' ').slice(0, 8).map(Number);
  } catch {
    return undefined;
  }
}

/** Looks from now on until the answer is asked for. */
export function watchMachine(): () => MachineState {
  const loadBefore = Math.round((loadavg()[0] ?? 0) * 10) / 10;
  const before = ticks();
  return () => {
    const since = ticks()?.map((value, column) => value - (before?.[column] ?? value));
    const all = since?.reduce((sum, value) => sum + value, 0) ?? 0;
    return { loadBefore, ...(all > 0 ? { stolenPercent: Math.round(((since?.[7] ?? 0) / all) * 100) } : {}) };
  };
}

export function isDisturbed({ loadBefore, stolenPercent = 0 }: MachineState): boolean {
  return loadBefore > DISTURBED.loadBefore || stolenPercent > DISTURBED.stolenPercent;
}
