import type { Me, SignedIn } from '@enchilada/contract';
import { permissionsHeld } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { VerifiedIdentity } from '@enchilada/core/identity';
import type { SignInOutcome } from '../auth/logins.ts';
import type { ApiParts } from './api-parts.ts';

type Parts = Pick<ApiParts, 'logins' | 'settings' | 'version'>;

export async function meOf({ logins, settings, version }: Parts, identity: VerifiedIdentity): Promise<Me> {
  const { user, login } = identity;
  const groups = await logins.groupsOf(user.id);
  const { loginIdleMinutes, loginAbsoluteMinutes } = settings.current;
  return {
    user: {
      id: user.id,
      username: user.username,
      displayName: user.displayName,
      role: user.role,
      breakGlass: user.breakGlass,
    },
    groups: groups.map(({ id, name }) => ({ id, name })),
    permissions: [...permissionsHeld(identity)],
    preferences: { ...user.preferences },
    login: {
      method: login.method,
      ...(login.factor === undefined ? {} : { factor: login.factor }),
      createdAt: login.createdAt,
      expiresAt: Math.min(login.expiresAt, login.createdAt + loginAbsoluteMinutes * 60_000),
      idleSeconds: loginIdleMinutes * 60,
      absoluteSeconds: loginAbsoluteMinutes * 60,
      hasLoginPassword: login.sealedPassword !== undefined,
    },
    version,
  };
}

/** @throws Fault INVALID_REQUEST where the banner asks for an agreement that was not given */
export function requireConsent({ current }: Pick<ApiParts['settings'], 'current'>, consent: boolean | undefined): void {
  if (current.bannerText !== '' && current.bannerConsent && consent !== true)
    throw new Fault('INVALID_REQUEST', 'consent must be true, the banner asks for it', {
      facts: { field: 'body/consent' },
    });
}

export async function signedInOf(parts: Parts, outcome: SignInOutcome): Promise<SignedIn> {
  if (outcome.stage !== 'complete') return { stage: outcome.stage };
  return { stage: outcome.stage, me: await meOf(parts, outcome.identity) };
}
