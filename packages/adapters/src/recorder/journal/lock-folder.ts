import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@enchilada/core/fault';

/**
 * Keeps a second process out of a folder for as long as this one lives. A process is named by its id and, where /proc tells it, its start
 * time: ids come round again, in containers at once. @throws Fault RECORDER_FAILED
 */
export async function lockFolder(directory: string): Promise<AsyncDisposable> {
  const path = join(directory, 'lock');
  const name = `${process.pid} ${await startTime(process.pid)}`;
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (let attempt = 0; ; attempt++) {
      try {
        await writeFile(path, name, { flag: 'wx', mode: 0o600 });
        break;
      } catch (cause) {
        if ((cause as { code?: string }).code !== 'EEXIST' || attempt === 3) throw cause;
      }
      const holder = await readFile(path, 'utf8').catch((cause: unknown) => {
        // It was let go in this moment. One that cannot be read is somebody's.
        if ((cause as { code?: string }).code === 'ENOENT') return '';
        throw cause;
      });
      if (await lives(holder))
        throw new Fault('RECORDER_FAILED', `the journal in ${directory} is in use by process ${holder.split(' ')[0]}`);
      await rm(path, { force: true });
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('RECORDER_FAILED', `the journal folder ${directory} cannot be used`, { cause });
  }
  return {
    async [Symbol.asyncDispose]() {
      await rm(path, { force: true });
    },
  };
}

async function lives(holder: string): Promise<boolean> {
  const [pid, started] = holder.split(' ');
  if (!/^\d+$/.test(pid ?? '')) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (cause) {
    return (cause as { code?: string }).code === 'EPERM' && (await startTime(Number(pid))) === started;
  }
  return (await startTime(Number(pid))) === started;
}

/** Field 22 of /proc/<pid>/stat, in clock ticks since boot. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function startTime(pid: number): Promise<string> {
  // The process has ended, or the system has no /proc: then all started at 0, and its number alone tells.
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
}
