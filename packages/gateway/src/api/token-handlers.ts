import type { ApiToken as ApiTokenView } from '@enchilada/contract';
import { permissionsOf, type TokenPermission } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import { type ApiToken, requireRecentProof, type User } from '@enchilada/core/identity';
import { actorOf, type Handlers, type SignedInContext } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { OWN_ACCOUNT_MS } from './factor-handlers.ts';
import { requireHeld } from './require-held.ts';

type TokenHandlers = Pick<
  Handlers,
  'listTokens' | 'createToken' | 'removeToken' | 'listUserTokens' | 'createUserToken' | 'removeUserToken'
>;

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

interface Wanted {
  readonly name: string;
  readonly scope: readonly TokenPermission[];
  readonly days: number;
}

export function tokenHandlers({ store, audit, settlements, tokens, factors, clock }: ApiParts): TokenHandlers {
  const account = async (id: string): Promise<User> => {
    const user = await store.now.users.find(id);
    if (user === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return user;
  };
  /** INVARIANT: nobody lends what they lack (T14), and no token makes tokens: it has proved nothing. */
  const create = async (context: SignedInContext, owner: User, wanted: Wanted) => {
    const { identity, permissions } = context;
    const factor = (await factors.listOf(identity.user.id)).length > 0;
    const itself = owner.id === identity.user.id;
    requireRecentProof(identity, { withinMs: OWN_ACCOUNT_MS, factor, itself }, clock.now());
    const held = permissionsOf(owner.role);
    const missing = wanted.scope.filter((permission) => !permissions.has(permission) || !held.has(permission));
    if (missing.length > 0)
      throw new Fault('FORBIDDEN', `a token cannot have permissions that you or its owner lack: ${missing.join(', ')}`);
    if ((await store.now.tokens.listOf(owner.id)).length >= MOST_TOKENS)
      throw new Fault('CONFLICT', `nobody may have more than ${MOST_TOKENS} API tokens`);
    const { token, value } = await tokens.create(owner.id, wanted);
    await audit.append({
      action: 'token.created',
      ...actorOf(context),
      object: { kind: 'token', id: token.id, name: token.name },
      outcome: 'success',
      detail: { scope: token.scope.join(' '), expiresAt: token.expiresAt, owner: owner.username },
    });
    return { token: viewOf(token), value };
  };
  const remove = async (context: SignedInContext, owner: User, id: string) => {
    const token = (await store.now.tokens.listOf(owner.id)).find((one) => one.id === id);
    if (token === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    await settlements.write(async (tx) => {
      await tx.tokens.delete(token.id);
      const event = {
        action: 'token.removed',
        ...actorOf(context),
        object: { kind: 'token', id: token.id, name: token.name },
        outcome: 'success',
        detail: { owner: owner.username },
      } as const;
      return { result: undefined, events: [event] };
    });
    return undefined;
  };

  return {
    listTokens: async ({ identity }) => ({ items: (await store.now.tokens.listOf(identity.user.id)).map(viewOf) }),
    createToken: (context, { body }) => create(context, context.identity.user, body),
    removeToken: (context, { params }) => remove(context, context.identity.user, params.id),

    listUserTokens: async (_context, { params }) => {
      const { id } = await account(params.id);
      return { items: (await store.now.tokens.listOf(id)).map(viewOf) };
    },

    createUserToken: async (context, { params, body }) => {
      const owner = await account(params.id);
      if (owner.isService !== true)
        throw new Fault(
          'CONFLICT',
          'people make their tokens themselves; only those of service accounts are made here',
        );
      return create(context, owner, body);
    },

    removeUserToken: async (context, { params }) => {
      const owner = await account(params.id);
      requireHeld(context, owner.role);
      return remove(context, owner, params.tokenId);
    },
  };
}
