import type { Migration } from '../migration.ts';

/** The second entry of machines whose tag asks for a further protocol. A target that was deleted may still be named: it is looked up. */
export const furtherEntry: Migration = {
  name: '0044-further-entry',
  steps: ({ id, text }) => [
    { column: 'further_target_id', of: 'found_machine', type: id },
    { column: 'further', of: 'found_machine', type: text },
    { index: 'found_machine_by_further_target', on: 'found_machine (further_target_id)' },
  ],
};
