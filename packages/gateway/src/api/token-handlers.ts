import type { ApiToken as ApiTokenView } from '@enchilada/contract';
import type { TokenPermission } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import { type ApiToken, requireRecentProof } from '@enchilada/core/identity';
import { actorOf, type Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { OWN_ACCOUNT_MS } from './factor-handlers.ts';

type TokenHandlers = Pick<Handlers, 'listTokens' | 'createToken' | 'removeToken'>;

const MOST_TOKENS = 50;

function viewOf({ id, name, scope, createdAt, expiresAt, lastUsedAt, lastUsedAddress }: ApiToken): ApiTokenView {
  return {
    id,
    name,
    scope: [...scope] as TokenPermission[],
    createdAt,
    expiresAt,
    ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
    ...(lastUsedAddress === undefined ? {} : { lastUsedAddress }),
  };
}

export function tokenHandlers({ store, audit, tokens, factors, clock }: ApiParts): TokenHandlers {
  return {
    listTokens: async ({ identity }) => ({ items: (await store.now.tokens.listOf(identity.user.id)).map(viewOf) }),

    createToken: async (context, { body }) => {
      const { identity, permissions } = context;
      const factor = (await factors.listOf(identity.user.id)).length > 0;
      requireRecentProof(identity, { withinMs: OWN_ACCOUNT_MS, factor }, clock.now());
      const missing = body.scope.filter((permission) => !permissions.has(permission));
      if (missing.length > 0)
        throw new Fault('FORBIDDEN', `a token cannot have permissions that you lack: ${missing.join(', ')}`);
      if ((await store.now.tokens.listOf(identity.user.id)).length >= MOST_TOKENS)
        throw new Fault('CONFLICT', `nobody may have more than ${MOST_TOKENS} API tokens`);
      const { token, value } = await tokens.create(identity.user.id, body);
      await audit.append({
        action: 'token.created',
        ...actorOf(context),
        object: { kind: 'token', id: token.id, name: token.name },
        outcome: 'success',
        detail: { scope: token.scope.join(' '), expiresAt: token.expiresAt },
      });
      return { token: viewOf(token), value };
    },

    removeToken: async (context, { params }) => {
      const token = (await store.now.tokens.listOf(context.identity.user.id)).find(({ id }) => id === params.id);
      if (token === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
      await store.now.tokens.delete(token.id);
      await audit.append({
        action: 'token.removed',
        ...actorOf(context),
        object: { kind: 'token', id: token.id, name: token.name },
        outcome: 'success',
      });
      return undefined;
    },
  };
}
