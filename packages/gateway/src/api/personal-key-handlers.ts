import type { PersonalKey as PersonalKeyView } from '@enchilada/contract';
import type { PersonalKey } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { requireRecentProof } from '@enchilada/core/identity';
import { actorOf, type Handlers, type SignedInContext } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { OWN_ACCOUNT_MS } from './factor-handlers.ts';

type PersonalKeyHandlers = Pick<Handlers, 'listPersonalKeys' | 'createPersonalKey' | 'removePersonalKey'>;

/** The comment says whose key it is, in what every file of keys takes. */
function viewOf(
  { id, name, publicKey, fingerprint, createdAt, lastUsedAt }: PersonalKey,
  whose: string,
): PersonalKeyView {
  const comment = `${whose} ${name}`
    .normalize('NFKC')
    .replaceAll(/[^\p{L}\p{N}@._-]+/gu, '-')
    .slice(0, 200);
  return {
    ...{ id, name, fingerprint, createdAt, line: `${publicKey} ${comment}` },
    ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
  };
}

export function personalKeyHandlers(parts: ApiParts): PersonalKeyHandlers {
  const { store, settlements, factors, personalKeys, clock } = parts;

  /** INVARIANT: whoever has a stolen login, or a token, makes no key that stays longer. */
  async function requireOwnProof({ identity }: SignedInContext): Promise<void> {
    const factor = (await factors.listOf(identity.user.id)).length > 0;
    requireRecentProof(identity, { withinMs: OWN_ACCOUNT_MS, factor, itself: true }, clock.now());
  }

  return {
    listPersonalKeys: async ({ identity: { user } }) => ({
      items: (await store.now.personalKeys.listOf(user.id)).map((key) => viewOf(key, user.username)),
    }),

    createPersonalKey: async (context, { body }) => {
      await requireOwnProof(context);
      const { user } = context.identity;
      const key = await personalKeys.make(user.id, body.name);
      await settlements.write(async (tx) => {
        await personalKeys.insert(tx, key);
        const object = { kind: 'personal-key', id: key.id, name: key.name };
        const detail = { fingerprint: key.fingerprint };
        const did = { ...actorOf(context), object, outcome: 'success', detail } as const;
        return { result: undefined, events: [{ action: 'personal-key.created', ...did }] };
      });
      return viewOf(key, user.username);
    },

    removePersonalKey: async (context, { params }) => {
      const { user } = context.identity;
      const key = (await store.now.personalKeys.listOf(user.id)).find(({ id }) => id === params.id);
      if (key === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
      await settlements.write(async (tx) => {
        await tx.personalKeys.delete(user.id, key.id);
        const object = { kind: 'personal-key', id: key.id, name: key.name };
        const detail = { fingerprint: key.fingerprint };
        const did = { ...actorOf(context), object, outcome: 'success', detail } as const;
        return { result: undefined, events: [{ action: 'personal-key.removed', ...did }] };
      });
      return undefined;
    },
  };
}
