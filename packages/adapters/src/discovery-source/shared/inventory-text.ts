import type { MachineFacts } from '@enchilada/core/discovery';
import { parseDocument } from 'yaml';
import { type Entry, failed } from './inventory-source.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** YAML, of which JSON is a part. INVARIANT: a message names the place and no content, which may be secret. */
export function readYaml(text: string, name: string): unknown {
  const document = parseDocument(text, { strict: true, uniqueKeys: true, logLevel: 'silent' });
  const [error] = document.errors;
  if (error !== undefined) throw failed(name, `${error.code} in line ${error.linePos?.[0].line ?? 0}`);
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch {
    throw failed(name, 'its aliases expand to too much');
  }
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** Text of a scalar; numbers are as they would be written. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim();
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

export function portOf(value: unknown): number | undefined {
  const port = Number(textOf(value));
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : undefined;
}

export interface Described {
  readonly id: string;
  readonly name?: string | undefined;
  readonly address: string;
  readonly platform?: MachineFacts['platform'] | undefined;
  readonly protocol?: string | undefined;
  readonly port?: number | undefined;
  readonly group?: string | undefined;
  readonly region?: string | undefined;
  readonly network?: string | undefined;
  readonly tags?: Readonly<Record<string, string>>;
}

export function entryOf({
  id,
  name,
  address,
  platform,
  protocol,
  port,
  group,
  region,
  network,
  tags,
}: Described): Entry {
  const given = <T extends object>(fields: T): Partial<T> =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
  const stated = given({ protocol, port, group });
  const facts: MachineFacts = {
    name: name ?? id,
    platform: platform ?? 'linux',
    state: 'running',
    privateAddresses: [address],
    publicAddresses: [],
    tags: tags ?? {},
    ...(Object.keys(stated).length === 0 ? {} : { stated: stated as NonNullable<MachineFacts['stated']> }),
    ...(given({ region, network }) as Pick<MachineFacts, 'region' | 'network'>),
  };
  return { id, facts };
}
