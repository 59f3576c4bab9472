import { readdir, readFile } from 'node:fs/promises';

/** The processes that a process has started and that are still there, or not yet waited for; none where it is gone. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  return lists.flatMap((list) => (list.match(/\d+/gu) ?? []).map(Number));
}
