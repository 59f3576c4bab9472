import type { Secret } from '@enchilada/core/credential';

interface EntryBase {
  /** One sentence for the reference. */
  readonly says: string;
  /** Values that weaken safety: named in the interface and audited at start. */
  readonly weakens?: (value: unknown) => boolean;
}

/** One key of the configuration: type, default and meaning, declared once. `default` is written as in the file. */
export type ConfigEntry = EntryBase &
  (
    | {
        readonly kind: 'text' | 'path' | 'url';
        readonly default?: string;
        readonly pattern?: RegExp;
        readonly maxLength?: number;
      }
    | { readonly kind: 'integer'; readonly default: number; readonly minimum: number; readonly maximum: number }
    | { readonly kind: 'boolean'; readonly default: boolean }
    | { readonly kind: 'choice'; readonly default: string; readonly options: readonly string[] }
    /** `30s`, `15m`, `12h`, `400d`; milliseconds in the program. */
    | { readonly kind: 'duration'; readonly default: string; readonly minimumMs: number; readonly maximumMs: number }
    | { readonly kind: 'list'; readonly default: readonly string[]; readonly item: 'cidr' | 'address' }
    /** A URL that may hold a password: in the file only by reference, `file:PATH` or `env:NAME`. */
    | { readonly kind: 'secret-url' }
  );

export type ConfigValue<E extends ConfigEntry> = E extends { readonly kind: 'integer' | 'duration' }
  ? number
  : E extends { readonly kind: 'boolean' }
    ? boolean
    : E extends { readonly kind: 'choice'; readonly options: readonly (infer O)[] }
      ? O
      : E extends { readonly kind: 'list' }
        ? readonly string[]
        : E extends { readonly kind: 'secret-url' }
          ? Secret | undefined
          : E extends { readonly default: string }
            ? string
            : string | undefined;

export function entries<const T extends Readonly<Record<string, ConfigEntry>>>(table: T): T {
  return table;
}
