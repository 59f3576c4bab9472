import type { ParameterField, ParameterValues } from '@enchilada/core/engine';
import type { AssumedRole } from './aws-calls.ts';

export const PLACE = { en: 'Place', de: 'Ort' };

/** Where a store is and as whom it is read; the same in every form. */
export const ROLE_FIELDS: readonly ParameterField[] = [
  {
    name: 'region',
    kind: 'text',
    required: true,
    group: PLACE,
    label: { en: 'Region', de: 'Region' },
    maxLength: 30,
    pattern: '^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$',
  },
  {
    name: 'roleArn',
    kind: 'text',
    group: PLACE,
    label: { en: 'Role', de: 'Rolle' },
    help: {
      en: 'ARN of a role that the node takes on, with the external id that is shown here once it is saved. Empty: the role of the node itself.',
      de: 'ARN einer Rolle, die der Knoten annimmt, mit der externen Kennung, die hier nach dem Speichern steht. Leer: die Rolle des Knotens selbst.',
    },
    default: '',
    maxLength: 200,
    pattern: '^(arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]{1,128})?$',
  },
];

export function textOf(parameters: ParameterValues, name: string): string {
  const value = parameters[name];
  return typeof value === 'string' ? value.trim() : '';
}

/** The parameters with their types. The manifest's patterns have been checked before. */
export function roleOf(parameters: ParameterValues, externalId: string): AssumedRole {
  const roleArn = textOf(parameters, 'roleArn');
  return {
    region: textOf(parameters, 'region'),
    ...(roleArn === '' ? { roleArn: undefined, externalId: undefined } : { roleArn, externalId }),
  };
}
