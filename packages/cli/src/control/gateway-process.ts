import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../login/private-file.ts';

/** What a gateway leaves in its data folder while it runs: `control/gateway.json`, see docs/operating.md. */
export interface RunningGateway {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, because process ids come round again; empty where there is no /proc. */
  readonly started: string;
  readonly url: string;
}

export const CONTROL_FOLDER = 'control';
const GATEWAY_FILE = 'gateway.json';

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function startTime(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The gateway that runs on this data folder now; a file that a crash left behind counts as none. */
export async function runningGateway(dataDir: string): Promise<RunningGateway | undefined> {
  let text: string;
  try {
    text = await readFile(join(dataDir, CONTROL_FOLDER, GATEWAY_FILE), 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const { pid, started, url } = parse(text);
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1 || typeof url !== 'string') return undefined;
  if (!exists(pid)) return undefined;
  const isSame = typeof started !== 'string' || started === '' || started === (await startTime(pid));
  return isSame ? { pid, started: typeof started === 'string' ? started : '', url } : undefined;
}

/** The living process that a lock file names as `PID START`, as the recorder writes it into its folder. */
export async function lockHolder(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const [, id, started = ''] = /^(\d+)(?: (\S*))?$/u.exec(text.trim()) ?? [];
  const pid = Number(id);
  return id !== undefined &&
    pid > 0 &&
    exists(pid) &&
    (started === '' || started === '0' || started === (await startTime(pid)))
    ? pid
    : undefined;
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
