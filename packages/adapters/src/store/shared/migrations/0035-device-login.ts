import type { Migration } from '../migration.ts';

/** Programs that ask to be signed in by somebody at a browser (RFC 8628). */
export const deviceLogin: Migration = {
  name: '0035-device-login',
  steps: ({ id, text, time }) => [
    {
      // Without a reference to the login that approved it: one that ended is found missing when the code is redeemed.
      table: 'device_login',
      body: `device_digest ${id} not null primary key, user_digest ${id} not null, address ${text} not null, user_agent ${text} not null,
        asked_at ${time} not null, expires_at ${time} not null, state ${id} not null check (state in ('asked', 'approved', 'denied')),
        login_digest ${id}, interval_ms ${time} not null, polled_at ${time} not null`,
    },
    { index: 'device_login_user_digest', unique: true, on: 'device_login (user_digest)' },
    { index: 'device_login_by_expires', on: 'device_login (expires_at)' },
  ],
};
