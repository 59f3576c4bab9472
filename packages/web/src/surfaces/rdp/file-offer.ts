import type { LocalFile } from '../../files/dropped.ts';

/** An entry of a list of files as [MS-RDPECLIP] 2.2.5.2.3.1 has it; one without a source is a folder. */
export interface Described {
  readonly name: string;
  /** Folders it lies in, behind each other with backslashes. */
  readonly path: string | undefined;
  readonly source: File | undefined;
}

const MOST_ENTRIES = 1_000;
/** With the folders. */
const LONGEST_NAME = 259;

/** What Windows takes for a separator or a drive; the decoder leaves out entries that look so, and all behind them would have other numbers. */
function plain(name: string): string {
  return name.replaceAll(/[\\/:]/gu, '_');
}

/** The list that a machine gets of these, each folder in front of what lies in it; and those that do not fit into one. */
export function describeOffer(files: readonly LocalFile[]): {
  readonly entries: readonly Described[];
  readonly unfit: readonly LocalFile[];
} {
  const entries: Described[] = [];
  const unfit: LocalFile[] = [];
  const folders = new Set<string>();
  for (const file of files) {
    const path = file.folders.map(plain);
    const name = plain(file.source.name);
    const missing = path.map((_, index) => path.slice(0, index + 1)).filter((one) => !folders.has(one.join('\\')));
    const isUnfit =
      name === '' ||
      [...path, name].join('\\').length > LONGEST_NAME ||
      entries.length + missing.length >= MOST_ENTRIES;
    if (isUnfit) {
      unfit.push(file);
      continue;
    }
    for (const folder of missing) {
      folders.add(folder.join('\\'));
      entries.push({ name: folder.at(-1) ?? '', path: folder.slice(0, -1).join('\\') || undefined, source: undefined });
    }
    entries.push({ name, path: path.join('\\') || undefined, source: file.source });
  }
  return { entries, unfit };
}
