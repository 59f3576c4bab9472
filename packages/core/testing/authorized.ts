import { authorizeJump, authorizeTarget, type AuthorizedTarget } from '@enchilada/core/access';
import { identifyLogin } from '@enchilada/core/identity';
import type { Target } from '@enchilada/core/target';
import type { Clock } from '@enchilada/core/time';

/** The platform's own time, for tests against real servers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
  every(periodMs, work) {
    const timer = setInterval(work, periodMs);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};

export function testTarget(fields: Partial<Target> & Pick<Target, 'id' | 'protocol' | 'host' | 'port'>): Target {
  return {
    name: fields.id,
    groupId: undefined,
    labels: {},
    description: '',
    parameters: {},
    credentialId: undefined,
    jumpTargetId: undefined,
    hostKeyPolicy: 'deny',
    builtIn: undefined,
    goneAt: undefined,
    version: 1,
    createdAt: 0,
    updatedAt: 0,
    ...fields,
  };
}

/** Leave for the target, through the real policy: a person with a grant on everything. */
export function testLeave(target: Target): AuthorizedTarget {
  const user = {
    id: 'usr_test',
    username: 'test',
    displayName: 'Test',
    role: 'user' as const,
    passwordHash: undefined,
    breakGlass: false,
    disabledAt: undefined,
    createdAt: 0,
    lastLoginAt: undefined,
    preferences: {},
    version: 1,
  };
  const login = {
    digest: '',
    cookieDigest: '',
    stage: 'complete' as const,
    factor: undefined,
    provedAt: 0,
    userId: user.id,
    method: 'password' as const,
    createdAt: 0,
    lastSeenAt: 0,
    expiresAt: 1_000,
    address: '127.0.0.1',
    userAgent: '',
    sealedPassword: undefined,
  };
  const identity = identifyLogin({ login, user, groupIds: [] }, { idleMs: 1_000, absoluteMs: 1_000 }, 1);
  if (identity === undefined) throw new Error('the test login was not accepted');
  const grant = {
    id: 'grt_test',
    subject: { kind: 'user' as const, id: user.id },
    scope: { kind: 'all' as const },
    actions: ['connect' as const],
    createdAt: 0,
    createdBy: user.id,
  };
  return authorizeTarget(identity, target, {
    ...{ grants: [grant], groups: new Map() },
    circumstances: { now: 1, address: '127.0.0.1', proofs: [] },
  });
}

/** Leaves for a chain of targets in order of travel; each names the one before it as its jump host. */
export function testJourney(
  targets: readonly [Target, ...Target[]],
): readonly [AuthorizedTarget, ...AuthorizedTarget[]] {
  const chained = targets.map((target, index) => ({ ...target, jumpTargetId: targets[index - 1]?.id }));
  const destination = testLeave(chained.at(-1)!);
  const leaves = [destination];
  for (const jump of chained.slice(0, -1).toReversed()) leaves.unshift(authorizeJump(leaves[0]!, jump));
  return leaves as [AuthorizedTarget, ...AuthorizedTarget[]];
}
