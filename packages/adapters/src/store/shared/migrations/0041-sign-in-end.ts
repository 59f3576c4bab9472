import type { Migration } from '../migration.ts';

/** Until when the login at the provider is good, where the provider says (SAML SessionNotOnOrAfter). */
export const signInEnd: Migration = {
  name: '0041-sign-in-end',
  steps: ({ time }) => [{ column: 'ends_at', of: 'provided_login', type: time }],
};
