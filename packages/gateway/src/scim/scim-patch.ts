import { isDeepStrictEqual } from 'node:util';
import { type Comparison, parseFilter } from './scim-filter.ts';
import { scimFault } from './scim-message.ts';

/** A resource on its way to another state: plain JSON. */
export type Json = Record<string, unknown>;

export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string | undefined;
  readonly value: unknown;
}

const MOST_OPERATIONS = 5_000;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 7644 section 3.5.2. Entra ID writes `Add`, `Replace` and `Remove`. @throws Fault INVALID_REQUEST */
export function operationsOf(body: unknown): readonly PatchOperation[] {
  const list = isObject(body) ? (member(body, 'Operations') ?? []) : undefined;
  if (!Array.isArray(list) || list.length === 0 || list.length > MOST_OPERATIONS)
    throw scimFault('invalidSyntax', 'Operations must be a list of operations');
  return (list as readonly unknown[]).map((entry) => {
    const op = isObject(entry) ? String(member(entry, 'op')).toLowerCase() : '';
    if (!isObject(entry) || (op !== 'add' && op !== 'replace' && op !== 'remove'))
      throw scimFault('invalidSyntax', 'op must be add, replace or remove');
    const path = member(entry, 'path');
    if (path !== undefined && path !== null && typeof path !== 'string')
      throw scimFault('invalidPath', 'path must be a text');
    return { op, path: path ?? undefined, value: member(entry, 'value') };
  });
}

/** The name under which an object holds the attribute, whatever its case. */
function nameIn(object: Json, name: string): string {
  return Object.keys(object).find((key) => key.toLowerCase() === name.toLowerCase()) ?? name;
}

export function member(object: Json, name: string): unknown {
  const key = nameIn(object, name);
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

interface Path {
  readonly extension: string | undefined;
  readonly attribute: string | undefined;
  readonly filter: readonly Comparison[] | undefined;
  readonly sub: string | undefined;
}

const NAME = '[A-Za-z$][A-Za-z0-9$_-]*';
const PATH = new RegExp(`^(${NAME})(?:\\[(.*)\\])?(?:\\.(${NAME}))?$`, 'u');
/** An extension's name ends in a version and a word: `…:enterprise:2.0:User`. */
const EXTENSION = /^(urn:[A-Za-z0-9:._-]+:\d+\.\d+:[A-Za-z]+)(?::(.+))?$/u;
const CORE = /^urn:ietf:params:scim:schemas:core:2\.0:(?:User|Group)$/iu;

/** RFC 7644 figure 7 */
function parsePath(text: string): Path {
  const urn = EXTENSION.exec(text);
  const [, schema, inner] = urn ?? [];
  const extension = schema === undefined || CORE.test(schema) ? undefined : schema;
  if (urn !== null && inner === undefined)
    return { extension, attribute: undefined, filter: undefined, sub: undefined };
  const match = PATH.exec(inner ?? text);
  if (match === null) throw scimFault('invalidPath', `the path ${JSON.stringify(text.slice(0, 200))} cannot be read`);
  const [, attribute = '', filter, sub] = match;
  return { extension, attribute, filter: filter === undefined ? undefined : parseFilter(filter), sub };
}

/** Applies the operations to a copy. @throws Fault INVALID_REQUEST; then nothing was changed */
export function patched(resource: Json, operations: readonly PatchOperation[]): Json {
  const next = structuredClone(resource);
  for (const { op, path, value } of operations) {
    if (path !== undefined) {
      apply(next, op, { path: parsePath(path), value });
      continue;
    }
    if (op === 'remove') throw scimFault('noTarget', 'remove needs a path');
    if (!isObject(value)) throw scimFault('invalidValue', `${op} without a path needs an object as its value`);
    // Entra ID names parts here too: {"name.givenName": "Ann"}.
    for (const [name, part] of Object.entries(value)) apply(next, op, { path: parsePath(name), value: part });
  }
  return next;
}

interface Change {
  readonly path: Path;
  readonly value: unknown;
}

function apply(resource: Json, op: PatchOperation['op'], { path, value }: Change): void {
  const { extension, attribute, filter, sub } = path;
  let holder = resource;
  if (extension !== undefined) {
    if (attribute === undefined) return applyToObject(resource, op, { name: extension, value });
    holder = objectIn(resource, extension);
  } else if (attribute === undefined) {
    if (isObject(value))
      for (const [name, part] of Object.entries(value)) apply(resource, op, { path: parsePath(name), value: part });
    return;
  }
  if (filter !== undefined) return applyToItems(holder, op, { ...path, attribute, filter, value });
  if (sub === undefined) return applyToObject(holder, op, { name: attribute, value });
  if (op === 'remove' && member(holder, attribute) === undefined) return;
  const inner = member(holder, attribute);
  if (Array.isArray(inner)) {
    for (const item of inner as readonly unknown[]) if (isObject(item)) applyToObject(item, op, { name: sub, value });
    return;
  }
  applyToObject(objectIn(holder, attribute), op, { name: sub, value });
}

function objectIn(holder: Json, name: string): Json {
  const key = nameIn(holder, name);
  const there = member(holder, key);
  if (isObject(there)) return there;
  const made: Json = {};
  holder[key] = made;
  return made;
}

function applyToObject(
  holder: Json,
  op: PatchOperation['op'],
  { name, value }: { name: string; value: unknown },
): void {
  const key = nameIn(holder, name);
  const there = member(holder, key);
  if (op === 'remove') {
    // Entra ID removes members by value: {"op": "Remove", "path": "members", "value": [{"value": "id"}]}.
    if (Array.isArray(there) && value !== undefined && value !== null) {
      const gone = new Set([value].flat().map(keyOf));
      holder[key] = (there as readonly unknown[]).filter((item) => !gone.has(keyOf(item)));
    } else Reflect.deleteProperty(holder, key);
    return;
  }
  if (value === undefined) throw scimFault('invalidValue', `${op} of ${name} needs a value`);
  if (op === 'add' && Array.isArray(there)) {
    const known = new Set((there as readonly unknown[]).map(keyOf));
    const added = [value].flat().filter((item) => !known.has(keyOf(item)));
    holder[key] = [...(there as readonly unknown[]), ...added];
    return;
  }
  if (isObject(there) && isObject(value)) {
    for (const [part, one] of Object.entries(value)) there[nameIn(there, part)] = one;
    return;
  }
  holder[key] = value;
}

/** Items are the same by their value, where they have one. */
function keyOf(item: unknown): string {
  const value = isObject(item) ? member(item, 'value') : item;
  return typeof value === 'string' ? value : JSON.stringify(item);
}

function applyToItems(
  holder: Json,
  op: PatchOperation['op'],
  { attribute, filter, sub, value }: Path & { attribute: string; filter: readonly Comparison[]; value: unknown },
): void {
  const key = nameIn(holder, attribute);
  const there = member(holder, key);
  const items = Array.isArray(there) ? (there as readonly unknown[]) : [];
  const matching = items.filter((item) => isObject(item) && matches(item, filter));
  if (op === 'remove') {
    if (sub === undefined) holder[key] = items.filter((item) => !matching.includes(item));
    else for (const item of matching) applyToObject(item as Json, op, { name: sub, value });
    return;
  }
  if (matching.length === 0) {
    // Both providers set the parts of an address that is not there yet: it is made with what the filter says of it.
    const made: Json = Object.fromEntries(filter.map(({ attribute: name, value: one }) => [name, one]));
    applyItem(made, op, { sub, value });
    holder[key] = [...items, made];
    return;
  }
  for (const item of matching) applyItem(item as Json, op, { sub, value });
}

function applyItem(
  item: Json,
  op: PatchOperation['op'],
  { sub, value }: { sub: string | undefined; value: unknown },
): void {
  if (sub !== undefined) return applyToObject(item, op, { name: sub, value });
  if (!isObject(value)) throw scimFault('invalidValue', 'the value of a whole item must be an object');
  for (const [name, part] of Object.entries(value)) item[nameIn(item, name)] = part;
}

function matches(item: Json, filter: readonly Comparison[]): boolean {
  return filter.every(({ attribute, value }) => {
    const there = member(item, attribute);
    if (typeof there === 'string' && typeof value === 'string' && attribute !== 'value')
      return there.toLowerCase() === value.toLowerCase();
    return isDeepStrictEqual(there, value);
  });
}
