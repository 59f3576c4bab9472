import { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';

/** Of a value that is text or a JSON object: each field, and the whole where the field is empty. @throws Fault SECRET_NOT_FOUND */
export function fieldsOf(value: string, path: string, fields: readonly string[]): readonly Secret[] {
  let members: Readonly<Record<string, unknown>> | undefined;
  return fields.map((field) => {
    members ??= field === '' ? undefined : objectOf(value);
    const found =
      field === '' ? value : members !== undefined && Object.hasOwn(members, field) ? members[field] : undefined;
    if (typeof found === 'string' && found !== '') return new Secret(found);
    const what = field === '' ? 'is empty' : `has no text under ${field}`;
    throw new Fault('SECRET_NOT_FOUND', `${path} ${what}`, { facts: { path, field } });
  });
}

function objectOf(value: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    // A text that is no JSON has no fields, which is told where one is wanted.
    return undefined;
  }
}
