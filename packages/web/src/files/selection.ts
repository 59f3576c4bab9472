import type { FileEntry } from '@enchilada/contract';

/** What is chosen in a list, by the entries' own names, and where a range begins. */
export interface Selection {
  readonly raw: ReadonlySet<string>;
  readonly anchor: string | undefined;
}

export const NOTHING: Selection = { raw: new Set(), anchor: undefined };

export function selectionOf(entries: readonly FileEntry[]): Selection {
  return { raw: new Set(entries.map(({ raw }) => raw)), anchor: undefined };
}

/** Chosen or no longer; with `range` so is everything shown from the one before to this. */
export function toggled(
  selection: Selection,
  raw: string,
  how: { readonly range: boolean; readonly shown: readonly FileEntry[] },
): Selection {
  const at = (name: string | undefined): number => how.shown.findIndex((entry) => entry.raw === name);
  const [from, to] = [at(selection.anchor), at(raw)];
  const meant = how.range && from !== -1 ? how.shown.slice(Math.min(from, to), Math.max(from, to) + 1) : [{ raw }];
  const chosen = new Set(selection.raw);
  for (const entry of meant)
    if (selection.raw.has(raw)) chosen.delete(entry.raw);
    else chosen.add(entry.raw);
  return { raw: chosen, anchor: raw };
}
