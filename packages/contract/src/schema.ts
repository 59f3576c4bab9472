import { Type, type Static, type TObject, type TProperties, type TSchema, type TUnsafe } from 'typebox';

/** A closed object: a name that is not declared is refused in a request and never leaves in an answer. */
export function closed<P extends TProperties>(properties: P): TObject<P> {
  return Type.Object(properties, { additionalProperties: false });
}

/** Text for people: no control characters but tab and line breaks where `lines` are meant. */
export function text(maxLength: number, minLength: 0 | 1 = 0) {
  return Type.String({ minLength, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f]*$' });
}

export function lines(maxLength: number) {
  return Type.String({ maxLength, pattern: '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*$' });
}

/** One of the words; kept as a union of literals in the types and as `enum` in the schema. */
export function words<const W extends readonly [string, ...string[]]>(values: W): TUnsafe<W[number]> {
  return Type.Unsafe<W[number]>({ type: 'string', enum: [...values] });
}

/** An object whose names are data. */
export function map<S extends TSchema>(
  value: S,
  options: { readonly names: string; readonly maxProperties: number },
): TUnsafe<Record<string, Static<S>>> {
  return Type.Unsafe<Record<string, Static<S>>>({
    type: 'object',
    additionalProperties: value,
    propertyNames: { type: 'string', pattern: options.names, maxLength: 128 },
    maxProperties: options.maxProperties,
  });
}

export function list<S extends TSchema>(items: S, maxItems: number) {
  return Type.Array(items, { maxItems });
}

/** Write-only: it may stand in a request and in no answer (a test walks every response schema). */
export const WRITE_ONLY = 'writeOnly';

export function writeOnly(maxLength: number, minLength: 0 | 1 = 1) {
  return Type.String({ minLength, maxLength, [WRITE_ONLY]: true });
}

export const Id = Type.String({ minLength: 1, maxLength: 40, pattern: '^[a-z0-9_]+$' });
/** Milliseconds since the Unix epoch. */
export const Time = Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 });
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const Version = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const Cursor = Type.String({ minLength: 1, maxLength: 200, pattern: '^[A-Za-z0-9_.:-]+$' });
export const Limit = Type.Integer({ minimum: 1, maximum: 500, default: 100 });
export const Scalar = Type.Union([Type.String({ maxLength: 4096 }), Type.Number(), Type.Boolean()]);
export const Facts = map(Scalar, { names: '^[A-Za-z0-9_.-]+$', maxProperties: 64 });
export const IdParams = closed({ id: Id });
export const Nothing = Type.Null();
