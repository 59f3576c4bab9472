import type { YamlPlace } from './yaml-place.ts';

/** A name in the file, with where it stands. */
export interface Named {
  readonly name: string;
  readonly line: number;
}

export function named(place: YamlPlace | undefined): Named | undefined {
  const name = place?.text();
  return place === undefined || name === undefined ? undefined : { name, line: place.line };
}

export function allNamed(place: YamlPlace | undefined): readonly Named[] {
  return (place?.some() ?? []).flatMap((item) => named(item) ?? []);
}

/** The value of a field that must be there. */
export function needed(place: YamlPlace, field: YamlPlace | undefined, name: string): string | undefined {
  if (field === undefined) return place.problem(`needs ${name}`);
  return field.text();
}

export function valueMap(place: YamlPlace | undefined): Record<string, string | number | boolean | string[]> {
  return Object.fromEntries(
    (place?.entries() ?? []).flatMap(([key, field]) => {
      const value = field.value();
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

export function listMap(place: YamlPlace | undefined): Record<string, string[]> {
  return Object.fromEntries(
    (place?.entries() ?? []).map(([key, values]) => [key, values.some().flatMap((one) => one.text() ?? [])]),
  );
}

/** What is known of it, without the fields that are absent. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
