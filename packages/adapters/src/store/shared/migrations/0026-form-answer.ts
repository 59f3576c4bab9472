import type { Migration } from '../migration.ts';

export const formAnswer: Migration = {
  name: '0026-form-answer',
  steps: ({ text }) => [{ column: 'answer', of: 'pending_sign_in', type: text }],
};
