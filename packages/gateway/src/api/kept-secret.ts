import { changedFields, type ParameterField, type ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';

interface Kept {
  readonly secret: unknown;
  readonly parameters: ParameterValues;
}

/**
 * INVARIANT: a stored secret is sent to no other place than it was entered for.
 * @param fields those that say where that is
 * @throws Fault INVALID_REQUEST
 */
export function requireSecretAnew(
  fields: readonly ParameterField[],
  before: Kept,
  after: { readonly secret: string | undefined; readonly parameters: ParameterValues },
): void {
  if (after.secret !== undefined || before.secret === undefined) return;
  const [changed] = changedFields(fields, before.parameters, after.parameters);
  if (changed !== undefined)
    throw new Fault(
      'INVALID_REQUEST',
      `secret must be given anew where ${changed} changes: it was entered for another place`,
      {
        facts: { field: 'body/secret' },
      },
    );
}
