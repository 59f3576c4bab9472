import type { RouteInput } from '@enchilada/contract';

export type RuleDraft = RouteInput<'setRules'>['body']['rules'][number];
export type Match = { [K in keyof RuleDraft['match']]?: RuleDraft['match'][K] | undefined };
export type Outcome = { [K in keyof RuleDraft['outcome']]?: RuleDraft['outcome'][K] | undefined };

/** Without what is empty: a rule says only what it means. */
export function without<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]: [string, unknown]) => {
      if (value === undefined || value === '') return false;
      if (Array.isArray(value)) return value.length > 0;
      return typeof value !== 'object' || value === null || Object.keys(value).length > 0;
    }),
  ) as never;
}

/** `team=payments,shop` a line; a key alone means any value. */
export function linesToTags(lines: string): Record<string, string[]> {
  const tags = lines.split('\n').flatMap((line): [string, string[]][] => {
    const at = line.indexOf('=');
    const key = (at === -1 ? line : line.slice(0, at)).trim();
    const values = at === -1 ? [] : line.slice(at + 1).split(',');
    return key === '' ? [] : [[key, values.map((value) => value.trim()).filter((value) => value !== '')]];
  });
  return Object.fromEntries(tags);
}

export function tagsToLines(tags: Readonly<Record<string, readonly string[]>> = {}): string {
  return Object.entries(tags)
    .map(([key, values]) => (values.length === 0 ? key : `${key}=${values.join(',')}`))
    .join('\n');
}

export function parseRules(source: string): RuleDraft[] | undefined {
  try {
    const value: unknown = JSON.parse(source.trim() === '' ? '[]' : source);
    return Array.isArray(value) ? (value as RuleDraft[]) : undefined;
  } catch {
    return undefined;
  }
}

export function movedUp<T>(list: readonly T[], index: number): T[] {
  const moved = list[index];
  return index <= 0 || moved === undefined ? [...list] : list.toSpliced(index, 1).toSpliced(index - 1, 0, moved);
}
