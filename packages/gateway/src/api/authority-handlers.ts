import type { Authority } from '@enchilada/contract';
import type { AuditAction, AuditEvent } from '@enchilada/core/audit';
import type { AuthorityKey } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { actorOf, type Handlers, type SignedInContext } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';

type AuthorityHandlers = Pick<
  Handlers,
  'getAuthority' | 'createAuthorityKey' | 'activateAuthorityKey' | 'deleteAuthorityKey'
>;

type Parts = Pick<ApiParts, 'store' | 'audit' | 'authority'>;

/** Machines can be told to trust the authority as soon as somebody means to use it. */
export async function firstSigningKey(parts: Parts, context: SignedInContext): Promise<void> {
  if ((await parts.store.now.authority.current()) === undefined) await makeKey(parts, 'current', context);
}

async function makeKey(parts: Parts, state: 'current' | 'next', context: SignedInContext): Promise<void> {
  const key = await parts.authority.makeKey(state);
  await parts.store.now.authority.insert(key);
  await acted(parts, { action: 'authority-key.created', key }, context);
}

interface Act {
  readonly action: AuditAction;
  readonly key: AuthorityKey;
}

function acted({ audit }: Parts, act: Act, context: SignedInContext) {
  return audit.append(eventOf(act, context));
}

function eventOf({ action, key }: Act, context: SignedInContext): AuditEvent {
  return {
    action,
    ...actorOf(context),
    object: { kind: 'authority-key', id: key.id, name: key.fingerprint },
    outcome: 'success',
    detail: { state: key.state, publicKey: key.publicKey },
  };
}

export function authorityHandlers(parts: ApiParts): AuthorityHandlers {
  const { store, settlements, authority } = parts;

  async function view(): Promise<Authority> {
    const keys = await store.now.authority.list();
    const { file, steps } = authority.trust(keys);
    return {
      keys: keys.map(({ id, state, publicKey, fingerprint, createdAt }) => ({
        ...{ id, state, publicKey, fingerprint, createdAt },
      })),
      trustFile: file,
      steps,
    };
  }

  async function find(id: string): Promise<AuthorityKey> {
    const key = (await store.now.authority.list()).find((one) => one.id === id);
    if (key === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return key;
  }

  return {
    getAuthority: () => view(),

    createAuthorityKey: async (context) => {
      await makeKey(parts, (await store.now.authority.current()) === undefined ? 'current' : 'next', context);
      return view();
    },

    activateAuthorityKey: async (context, { params }) => {
      const key = await find(params.id);
      await store.now.authority.activate(key.id);
      await acted(parts, { action: 'authority-key.activated', key }, context);
      return view();
    },

    deleteAuthorityKey: async (context, { params }) => {
      const key = await find(params.id);
      await settlements.write(async (tx) => {
        await tx.authority.delete(key.id);
        return { result: undefined, events: [eventOf({ action: 'authority-key.deleted', key }, context)] };
      });
      return view();
    },
  };
}
