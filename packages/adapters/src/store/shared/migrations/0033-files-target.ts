import type { Migration } from '../migration.ts';

export const filesTarget: Migration = {
  name: '0033-files-target',
  steps: ({ id }) => [{ column: 'files_target_id', of: 'target', type: id }],
};
