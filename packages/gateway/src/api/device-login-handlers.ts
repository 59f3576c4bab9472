import { requireRecentProof } from '@enchilada/core/identity';
import type { Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { signedInOf } from './describe-me.ts';
import { OWN_ACCOUNT_MS } from './factor-handlers.ts';

type DeviceLoginHandlers = Pick<
  Handlers,
  'askDeviceLogin' | 'pollDeviceLogin' | 'checkDeviceLogin' | 'decideDeviceLogin'
>;

export function deviceLoginHandlers(parts: ApiParts): DeviceLoginHandlers {
  const { deviceLogins, signInAt, factors, clock } = parts;
  return {
    askDeviceLogin: async (context) => ({
      ...(await deviceLogins.ask(context)),
      verificationUri: `${signInAt.publicUrl}/device`,
    }),

    pollDeviceLogin: async (context, { body }) => {
      const polled = await deviceLogins.poll(body.deviceCode, context);
      if ('error' in polled) return polled;
      const { me } = await signedInOf(parts, polled);
      return { stage: polled.stage, ...(me === undefined ? {} : { me }) };
    },

    checkDeviceLogin: async (context, { body }) => {
      const { address, userAgent, askedAt, expiresAt } = await deviceLogins.check(body.userCode, context);
      return { address, userAgent, askedAt, expiresAt, ownAddress: context.address };
    },

    decideDeviceLogin: async (context, { body }) => {
      if (body.verdict === 'approve') {
        // INVARIANT: a login makes no other without a fresh proof, so that no chain of them outlives the person's last.
        const { identity } = context;
        const factor = (await factors.listOf(identity.user.id)).length > 0;
        requireRecentProof(identity, { withinMs: OWN_ACCOUNT_MS, factor, itself: true }, clock.now());
      }
      await deviceLogins.decide(body.userCode, body.verdict, context);
      return undefined;
    },
  };
}
