import type { AuthorizedTarget } from '../access/index.ts';
import { INPUT_RECORDING } from '../discovery/index.ts';

/**
 * Whether the person's grants let a session on the machine go unrecorded, now.
 * INVARIANT: a machine of which a rule says that input to it is kept is recorded for everybody.
 */
export function isRecordExempt({ actions, target }: Pick<AuthorizedTarget, 'actions' | 'target'>): boolean {
  const input = target.labels[INPUT_RECORDING];
  return actions.has('record-exempt') && (input === undefined || input === 'off');
}
