import type { ParameterField, ParameterValues } from '@enchilada/core/engine';

const NAME = '[A-Za-z][A-Za-z0-9_-]{0,63}';

/** Which of a person's attributes user names on machines may be made of; the same in every form. */
export function nameAttributesField(group: ParameterField['group']): ParameterField {
  return {
    name: 'nameAttributes',
    kind: 'list',
    group,
    label: { en: 'Attributes for names on machines', de: 'Attribute für Namen auf Maschinen' },
    help: {
      en: 'One a line, for {attribute.NAME} in credentials. Only what people cannot change themselves: it becomes their account.',
      de: 'Eines je Zeile, für {attribute.NAME} in Zugangsdaten. Nur was Personen nicht selbst ändern können: Es wird ihr Konto.',
    },
    maxItems: 16,
    maxLength: 64,
    pattern: `^${NAME}$`,
  };
}

export function readNameAttributes(parameters: ParameterValues): readonly string[] {
  const value = parameters['nameAttributes'];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** Of each that has exactly one value; of several, which one is the name would be chance. */
export function attributesOf(
  names: readonly string[],
  valuesOf: (name: string) => readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const [value, ...more] = valuesOf(name);
      return value === undefined || value === '' || more.length > 0 ? [] : [[name.toLowerCase(), value] as const];
    }),
  );
}
