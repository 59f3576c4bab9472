import { nearestName } from '@enchilada/core/naming';
import { parseDocument } from 'yaml';

/** The part of JSON Schema 2020-12 that config.schema.json uses. https://json-schema.org/draft/2020-12 */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly format?: string;
  readonly default?: unknown;
}

export interface ConfigProblem {
  readonly key: string;
  readonly message: string;
  readonly nearest?: string;
}

export interface ConfigCheck {
  readonly problems: readonly ConfigProblem[];
  /** Keys that the file sets, as `sessions.idle`, with their values. */
  readonly values: ReadonlyMap<string, unknown>;
}

const SECRET_SHOWN = 'a value that is not shown';

/** Keys like `sessions.idle` and sections like `sessions`. */
function namesOf(schema: Schema, prefix: string): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => [
    prefix + name,
    ...namesOf(child, `${prefix}${name}.`),
  ]);
}

function received(key: string, value: unknown): string {
  return /url$/iu.test(key) && key !== 'publicUrl' ? SECRET_SHOWN : (JSON.stringify(value) ?? 'nothing');
}

function problemOf(schema: Schema, value: unknown): string | undefined {
  switch (schema.type) {
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false';
    case 'integer': {
      const { minimum = -Infinity, maximum = Infinity } = schema;
      return Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum
        ? undefined
        : `must be a whole number from ${minimum} to ${maximum}`;
    }
    case 'array':
      return Array.isArray(value) && value.every((item) => problemOf(schema.items ?? {}, item) === undefined)
        ? undefined
        : 'must be a list of texts';
    case 'string':
      return textProblem(schema, value);
    default:
      return undefined;
  }
}

function textProblem(schema: Schema, value: unknown): string | undefined {
  if (schema.enum !== undefined)
    return schema.enum.includes(value) ? undefined : `must be one of ${schema.enum.join(', ')}`;
  if (typeof value !== 'string') return 'must be text';
  if (schema.maxLength !== undefined && value.length > schema.maxLength)
    return `must be at most ${schema.maxLength} characters`;
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value))
    return `must match ${schema.pattern}${typeof schema.default === 'string' ? `, like ${schema.default}` : ''}`;
  if (schema.format === 'uri' && !URL.canParse(value)) return 'must be an address like https://bastion.example.org';
  return undefined;
}

/** Compares a configuration file with the generated schema, all problems at once. */
export function checkConfig(text: string, schema: Schema): ConfigCheck {
  const document = parseDocument(text, { uniqueKeys: true, strict: true });
  const wrong = [...document.errors, ...document.warnings];
  const values = new Map<string, unknown>();
  if (wrong.length > 0)
    return {
      values,
      problems: wrong.map((error) => ({
        key: '',
        message: `is not valid YAML: ${error.message.split('\n')[0] ?? ''}`,
      })),
    };
  const problems: ConfigProblem[] = [];
  const names = namesOf(schema, '');
  const walk = (node: unknown, at: { readonly schema: Schema; readonly prefix: string }): void => {
    if (node === null || node === undefined) return;
    if (typeof node !== 'object' || Array.isArray(node)) {
      problems.push({
        key: at.prefix.replace(/\.$/u, ''),
        message: `must hold keys, received ${JSON.stringify(node)}`,
      });
      return;
    }
    for (const [name, value] of Object.entries(node)) {
      const key = at.prefix + name;
      const own = at.schema.properties ?? {};
      const child = Object.hasOwn(own, name) ? own[name] : undefined;
      if (child === undefined) {
        const nearest = nearestName(key, names);
        problems.push({
          key,
          message: `is not known${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
          ...(nearest === undefined ? {} : { nearest }),
        });
      } else if (child.type === 'object') walk(value, { schema: child, prefix: `${key}.` });
      else {
        const problem = problemOf(child, value);
        if (problem === undefined) values.set(key, value);
        else problems.push({ key, message: `${problem}, received ${received(key, value)}` });
      }
    }
  };
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 0 });
  } catch {
    const message = 'has aliases (*name), which are not read; write what they stand for';
    return { values, problems: [{ key: '', message }] };
  }
  walk(content, { schema, prefix: '' });
  return { problems, values };
}
