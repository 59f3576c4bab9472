import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf } from '@enchilada/core/testing/children';

/** USER_HZ, the unit of times in /proc; 100 on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;

/** CPU seconds of a process, all its threads, and the children it has waited for: proc(5), fields 14 to 17 of stat. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0) / TICKS_A_SECOND;
}

/** CPU seconds of the process and of those children that it has now. */
export async function cpuOfTree(pid: number): Promise<number> {
  const all = await Promise.all([pid, ...(await childrenOf(pid))].map(cpuSeconds));
  return all.reduce((sum, seconds) => sum + seconds, 0);
}

/** What the process and its children spend while `work` lasts; a child that nobody waits for is read until it is gone. */
export async function cpuOfFamily(pid: number, work: Promise<unknown>): Promise<number> {
  const before = await cpuSeconds(pid);
  const spent = new Map<number, number>();
  const over = work.then(
    () => true,
    () => true,
  );
  const look = async (): Promise<number> => {
    const children = await childrenOf(pid);
    for (const child of children) spent.set(child, await cpuSeconds(child).catch(() => spent.get(child) ?? 0));
    return children.length;
  };
  while (!(await Promise.race([over, sleep(20, false)]))) await look();
  for (let attempt = 0; attempt < 250 && (await look()) > 0; attempt += 1) await sleep(20);
  await work;
  return (await cpuSeconds(pid)) - before + [...spent.values()].reduce((sum, seconds) => sum + seconds, 0);
}

/** How often both sides are measured; `BENCH_ROUNDS` for a short look at whether it runs. */
export function roundsOf(usual: number): number {
  const given = Number(process.env['BENCH_ROUNDS'] ?? usual);
  return Number.isInteger(given) && given > 0 ? given : usual;
}

export async function residentKib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(?<kib>\d+) kB$/mu.exec(status)?.groups?.['kib']);
}

/** The gateway looks every 5 s whether it is quiet and collects then: what is still before the second look is not idle yet. */
const SETTLED_SECONDS = 20;

/** Waits until the resident memory has stopped moving by more than 1 % for so long, at most `limitMs`. */
export async function settledKib(pid: number, limitMs: number): Promise<number> {
  const deadline = Date.now() + limitMs;
  const seen: number[] = [];
  while (Date.now() < deadline) {
    seen.push(await residentKib(pid));
    const last = seen.slice(-SETTLED_SECONDS - 1);
    if (last.length > SETTLED_SECONDS && Math.max(...last) - Math.min(...last) < Math.max(...last) / 100) break;
    await sleep(1_000);
  }
  return seen.at(-1) ?? residentKib(pid);
}

export function percentile(values: readonly number[], rank: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * rank) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

export function rounded(values: readonly number[], digits = 3): number[] {
  return values.map((value) => Number(value.toFixed(digits)));
}

/** Refuses to wait for ever. */
export async function within<T>(limitMs: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${limitMs / 1000} s`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
