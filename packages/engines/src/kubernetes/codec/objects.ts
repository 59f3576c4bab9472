/** A name as the API has it, [RFC 1123](https://kubernetes.io/docs/concepts/overview/working-with-objects/names/): what does not look so goes into no path. */
const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/u;
const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';
const MOST_ITEMS = 5_000;

export interface Container {
  readonly name: string;
  readonly hasTerminal: boolean;
  readonly takesInput: boolean;
}

export interface Pod {
  readonly name: string;
  readonly isRunning: boolean;
  readonly defaultContainer: string | undefined;
  readonly containers: readonly Container[];
}

export function isName(text: string): boolean {
  return NAME.test(text);
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function nameOf(value: unknown): string | undefined {
  const name = field(value, 'name');
  return typeof name === 'string' && isName(name) ? name : undefined;
}

/** The names of a list's objects, and where the list goes on. Undefined for what is no list. */
export function namesOf(
  value: unknown,
): { readonly names: readonly string[]; readonly next: string | undefined } | undefined {
  const items = field(value, 'items');
  if (items !== null && !Array.isArray(items)) return undefined;
  const next = field(field(value, 'metadata'), 'continue');
  return {
    names: list(items)
      .slice(0, MOST_ITEMS)
      .flatMap((item) => nameOf(field(item, 'metadata')) ?? []),
    next: typeof next === 'string' && next !== '' ? next : undefined,
  };
}

/** Undefined for what is no pod. */
export function podOf(value: unknown): Pod | undefined {
  const metadata = field(value, 'metadata');
  const name = nameOf(metadata);
  if (name === undefined) return undefined;
  const preferred = field(field(metadata, 'annotations'), DEFAULT_CONTAINER);
  const containers = list(field(field(value, 'spec'), 'containers'))
    .slice(0, MOST_ITEMS)
    .flatMap((item) => {
      const container = nameOf(item);
      return container === undefined
        ? []
        : [{ name: container, hasTerminal: field(item, 'tty') === true, takesInput: field(item, 'stdin') === true }];
    });
  return {
    name,
    isRunning: field(field(value, 'status'), 'phase') === 'Running',
    defaultContainer: containers.find((container) => container.name === preferred)?.name,
    containers,
  };
}
