import { LOGIN_STAGES } from '@enchilada/core/identity';
import { Type, type Static } from 'typebox';
import { closed, Count, text, Time, words } from '../schema.ts';
import { Me } from './identity.ts';

const UserCode = Type.String({ minLength: 1, maxLength: 40 });

/** RFC 8628 section 3.2. Times in seconds, as there. */
export const DeviceCodes = closed({
  deviceCode: Type.String({ maxLength: 100 }),
  userCode: Type.String({ maxLength: 40 }),
  verificationUri: text(500),
  expiresIn: Count,
  interval: Count,
});

export const DevicePoll = closed({ deviceCode: Type.String({ minLength: 1, maxLength: 100 }) });
/** RFC 8628 section 3.5, or, with a stage, a login of which the cookie comes along. */
export const DevicePolled = closed({
  error: Type.Optional(words(['authorization_pending', 'slow_down', 'access_denied', 'expired_token'])),
  /** The new interval in seconds, where polls come too fast. */
  interval: Type.Optional(Count),
  stage: Type.Optional(words(LOGIN_STAGES)),
  me: Type.Optional(Me),
});

export const UserCodeGiven = closed({ userCode: UserCode });
/** Who asks to be signed in, as far as it is known; the user agent is what they say of themselves. */
export const DeviceLoginFacts = closed({
  address: text(64),
  userAgent: text(400),
  askedAt: Time,
  expiresAt: Time,
  /** From where the person looks. */
  ownAddress: text(64),
});
export type DeviceLoginFacts = Static<typeof DeviceLoginFacts>;
export const DeviceDecision = closed({ userCode: UserCode, verdict: words(['approve', 'deny']) });
