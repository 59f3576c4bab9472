import type { Me, SignedIn } from '@enchilada/contract';
import { permissionsHeld } from '@enchilada/core/access';
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

export async function signedInOf(parts: Parts, outcome: SignInOutcome): Promise<SignedIn> {
  if (outcome.stage !== 'complete') return { stage: outcome.stage };
  return { stage: outcome.stage, me: await meOf(parts, outcome.identity) };
}
