import type { EngineManifest, ParameterField, ParameterValue } from './manifest.ts';

export interface ParameterProblem {
  readonly field: string;
  /** A lower-case clause with the value received, in the operator's terms. */
  readonly message: string;
}

function problemOf(field: ParameterField, value: ParameterValue): string | undefined {
  switch (field.kind) {
    case 'text':
      if (typeof value !== 'string') return `must be text, received ${typeof value}`;
      if (value.length > field.maxLength)
        return `must be at most ${field.maxLength} characters, received ${value.length}`;
      if (field.pattern !== undefined && !new RegExp(field.pattern, 'u').test(value))
        return `must match ${field.pattern}`;
      return undefined;
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) return `must be a number, received ${typeof value}`;
      return value < field.minimum || value > field.maximum
        ? `must be ${field.minimum} to ${field.maximum}, received ${value}`
        : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `must be true or false, received ${typeof value}`;
    case 'choice':
      return field.options.some((option) => option.value === value)
        ? undefined
        : `must be one of ${field.options.map((option) => option.value).join(', ')}`;
    case 'list': {
      if (!Array.isArray(value)) return `must be a list, received ${typeof value}`;
      const lines = value as readonly string[];
      if (lines.length > field.maxItems) return `must have at most ${field.maxItems} lines, received ${lines.length}`;
      const pattern = field.pattern === undefined ? undefined : new RegExp(field.pattern, 'u');
      const bad = lines.findIndex(
        (line) =>
          typeof line !== 'string' || line.length > field.maxLength || (pattern !== undefined && !pattern.test(line)),
      );
      return bad === -1
        ? undefined
        : `line ${bad + 1} must match ${field.pattern ?? 'text'} and have at most ${field.maxLength} characters`;
    }
  }
}

/** All problems of the values against the manifest; unknown names are problems too. */
export function checkParameters(
  manifest: Pick<EngineManifest, 'parameters'>,
  values: Readonly<Record<string, ParameterValue>>,
): readonly ParameterProblem[] {
  const fields = new Map(manifest.parameters.map((field) => [field.name, field]));
  return Object.entries(values).flatMap(([name, value]) => {
    const field = fields.get(name);
    const message = field === undefined ? 'is not a parameter of this protocol' : problemOf(field, value);
    return message === undefined ? [] : [{ field: name, message }];
  });
}

/** The names of the fields that say something else in one than in the other; what is left out says the field's default. */
export function changedFields(
  fields: readonly { readonly name: string; readonly default?: ParameterValue }[],
  before: Readonly<Record<string, ParameterValue>>,
  after: Readonly<Record<string, ParameterValue>>,
): readonly string[] {
  const said = ({ name, default: standard = '' }: (typeof fields)[number], values: typeof before): string => {
    const value = values[name];
    const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
    return JSON.stringify(isEmpty ? standard : value);
  };
  return fields.filter((field) => said(field, before) !== said(field, after)).map(({ name }) => name);
}
