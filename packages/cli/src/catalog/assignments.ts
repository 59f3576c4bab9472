import type { ParameterField } from '@enchilada/contract';
import { nearestName } from '@enchilada/core/naming';
import { usage } from '../frame/exit-code.ts';

/** `env=prod` → `['env', 'prod']`; the value may hold further equals signs. */
export function assignment(text: string, option: string): readonly [name: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1) throw usage(`--${option} must be NAME=VALUE, received ${JSON.stringify(text)}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

export function assignments(texts: readonly string[] | undefined, option: string): Record<string, string> {
  return Object.fromEntries((texts ?? []).map((text) => assignment(text, option)));
}

type ParameterInput = string | number | boolean | string[];

/** Values typed as the engine's manifest says; a list is given by repeating its name. */
export function parameters(
  texts: readonly string[] | undefined,
  fields: readonly ParameterField[],
): Record<string, ParameterInput> {
  const values: Record<string, ParameterInput> = {};
  for (const [name, text] of (texts ?? []).map((entry) => assignment(entry, 'parameter'))) {
    const field = fields.find((candidate) => candidate.name === name);
    if (field === undefined) {
      const nearest = nearestName(
        name,
        fields.map((candidate) => candidate.name),
      );
      throw usage(
        `${JSON.stringify(name)} is no parameter of this protocol${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
      );
    }
    values[name] = typed(field, text, values[name]);
  }
  return values;
}

function typed(field: ParameterField, text: string, before: ParameterInput | undefined): ParameterInput {
  switch (field.kind) {
    case 'text':
    case 'choice':
      return text;
    case 'list':
      return [...(Array.isArray(before) ? before : []), text];
    case 'number':
      if (!/^-?\d+(?:\.\d+)?$/u.test(text))
        throw usage(`parameter ${field.name} must be a number, received ${JSON.stringify(text)}`);
      return Number(text);
    case 'boolean':
      if (text !== 'true' && text !== 'false')
        throw usage(`parameter ${field.name} must be true or false, received ${JSON.stringify(text)}`);
      return text === 'true';
  }
}

/** A whole number of an option. */
export function wholeNumber(
  text: string,
  option: string,
  range: { readonly minimum: number; readonly maximum: number },
): number {
  const value = Number(text);
  if (!/^\d+$/u.test(text) || value < range.minimum || value > range.maximum)
    throw usage(`--${option} must be ${range.minimum} to ${range.maximum}, received ${JSON.stringify(text)}`);
  return value;
}

export function oneOf<const W extends readonly string[]>(text: string, option: string, words: W): W[number] {
  if (words.includes(text)) return text;
  throw usage(`--${option} must be one of ${words.join(', ')}, received ${JSON.stringify(text)}`);
}

/** A day or a moment, as ISO 8601. https://www.rfc-editor.org/rfc/rfc3339 */
export function moment(text: string, option: string): number {
  const time = /^\d{4}-\d{2}-\d{2}(?:T.+)?$/u.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(time))
    throw usage(`--${option} must be a time like 2026-01-31 or 2026-01-31T08:00:00Z, received ${JSON.stringify(text)}`);
  return time;
}

/** The period and the other filters of a list, absent where they were not given. */
export function period(options: { readonly from?: string; readonly to?: string }): {
  readonly from?: number;
  readonly to?: number;
} {
  return {
    ...(options.from === undefined ? {} : { from: moment(options.from, 'from') }),
    ...(options.to === undefined ? {} : { to: moment(options.to, 'to') }),
  };
}
