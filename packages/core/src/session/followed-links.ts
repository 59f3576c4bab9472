import { joinPath } from '../engine/index.ts';
import type { FileChannel, FileEntry, PathBytes } from '../engine/index.ts';
import type { Clock } from '../time/index.ts';

/** Of one folder; what is beyond shows as a link of which nothing more is known. */
const MOST_FOLLOWED = 500;
const AT_ONCE = 32;
/** A link into a file system that is away must not keep the folder from being shown. */
const FOLLOW_MS = 2_000;

/** The entries, and of links what they lead to: of as many as are allowed and answered in time. */
export async function followLinks(
  { channel, clock }: { readonly channel: FileChannel; readonly clock: Clock },
  folder: PathBytes,
  entries: readonly FileEntry[],
): Promise<readonly FileEntry[]> {
  const links = entries.filter(({ kind }) => kind === 'link').slice(0, MOST_FOLLOWED);
  if (links.length === 0) return entries;
  const targets = new Map<FileEntry, FileEntry['target']>();
  const late = Promise.withResolvers<void>();
  let isLate = false;
  using _timer = clock.after(FOLLOW_MS, () => {
    isLate = true;
    late.resolve();
  });
  const rest = links.values();
  const follow = async (): Promise<void> => {
    for (const link of rest) {
      if (isLate) return;
      // One that leads nowhere, or where the account may not look, has no target.
      const target = await channel.target(joinPath(folder, link.name)).catch(() => undefined);
      targets.set(link, target);
    }
  };
  await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, follow)), late.promise]);
  return entries.map((entry) => {
    const target = targets.get(entry);
    return target === undefined ? entry : { ...entry, target };
  });
}
