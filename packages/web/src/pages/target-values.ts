import { isReserved } from '@enchilada/core/discovery';
import type { Engine, ParameterField, Target } from '@enchilada/contract';

export type ParameterValue = string | number | boolean | string[];

/** Empty lines of a list are no entries. */
export function filled(
  parameters: Readonly<Record<string, ParameterValue>>,
): Record<string, string | number | boolean | string[]> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === 'object' ? value.map((line) => line.trim()).filter((line) => line !== '') : value,
    ]),
  );
}

/** Labels as typed, one `key:value` a line; a colon in a key is written `\:`. */
export function labelsToText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key.replaceAll(':', '\\:')}:${value}`)
    .join('\n');
}

/** The labels of a text; a line without a colon is a key with an empty value. */
export function textToLabels(text: string): Record<string, string> {
  const pairs = text.split('\n').flatMap((line) => {
    const [, key = '', value = ''] = /^((?:\\:|[^:])*)(?::(.*))?$/u.exec(line.trim()) ?? [];
    return key.trim() === '' ? [] : [[key.trim().replaceAll('\\:', ':'), value.trim()] as const];
  });
  return Object.fromEntries(pairs);
}

/** What discovery wrote is not for the form: it stays, whatever is sent. */
function ownLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !isReserved(key)));
}

/** Fields under the headings that the manifest gives them, in its order. */
export function fieldGroups(
  parameters: readonly ParameterField[],
): readonly (readonly [string, readonly [ParameterField, ...ParameterField[]]])[] {
  const groups = new Map<string, [ParameterField, ...ParameterField[]]>();
  for (const field of parameters) {
    const group = groups.get(field.group.en);
    if (group === undefined) groups.set(field.group.en, [field]);
    else group.push(field);
  }
  return [...groups];
}

/** What is sent: only what differs from the manifest's default, so that a later default reaches old machines. */
export function changedParameters(
  engine: Engine,
  values: Readonly<Record<string, ParameterValue>>,
): Record<string, ParameterValue> {
  const kept = engine.parameters.flatMap((field) => {
    const value = values[field.name];
    if (value === undefined) return [];
    if (field.kind === 'list') return Array.isArray(value) && value.length > 0 ? [[field.name, value] as const] : [];
    return value === (field.default ?? '') ? [] : [[field.name, value] as const];
  });
  return Object.fromEntries(kept);
}

export function draftOf(target: Target | undefined, engine: Engine | undefined) {
  return {
    name: target?.name ?? '',
    protocol: target?.protocol ?? engine?.id ?? '',
    host: target?.host ?? '',
    port: target?.port ?? engine?.defaultPort ?? 0,
    groupId: target?.groupId ?? '',
    labels: labelsToText(ownLabels(target?.labels ?? {})),
    description: target?.description ?? '',
    credentialId: target?.credentialId ?? '',
    jumpTargetId: target?.jumpTargetId ?? '',
    filesTargetId: target?.filesTargetId ?? '',
    hostKeyPolicy: target?.hostKeyPolicy ?? ('ask' as const),
    proofMinutes: target?.proofMinutes,
    parameters: { ...target?.parameters } as Record<string, ParameterValue>,
  };
}
export type TargetDraft = ReturnType<typeof draftOf>;
