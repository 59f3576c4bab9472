import type { Migration } from '../migration.ts';

/** Which key-encryption keys a node opens: nothing is wrapped by one that another node lacks. */
export const nodeKeys: Migration = {
  name: '0031-node-keys',
  steps: ({ text }) => [{ column: 'key_ids', of: 'node', type: text }],
};
