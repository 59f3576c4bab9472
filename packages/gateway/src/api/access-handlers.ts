import type { Grant as GrantView } from '@enchilada/contract';
import type { Grant } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import { randomId } from '@enchilada/core/time';
import { grantEvent, named, withdrawnEvents } from '../access/grant-events.ts';
import { ruleOf } from '../discovery/rule-grants.ts';
import { actorOf, type Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { grantViews, requireGoodGrant, storeNames } from './grant-view.ts';

type AccessHandlers = Pick<Handlers, 'listGrants' | 'createGrant' | 'deleteGrant'>;

export function accessHandlers({ store, settlements, clock, random }: ApiParts): AccessHandlers {
  const grantView = async (grant: Grant): Promise<GrantView> => {
    const [view] = await grantViews(storeNames(store), [grant]);
    if (view === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return view;
  };

  return {
    listGrants: async () => ({ items: [...(await grantViews(storeNames(store), await store.now.grants.list()))] }),

    createGrant: async (context, { body }) => {
      const grant: Grant = {
        id: `gra_${randomId(random)}`,
        ...body,
        createdAt: clock.now(),
        createdBy: context.identity.user.id,
      };
      await requireGoodGrant(store, grant, clock.now());
      await settlements.write(async (tx) => {
        await tx.grants.insert(grant);
        // A denial takes away from sessions that run.
        if (body.effect === 'deny') await tx.commands.post({ kind: 'recheck-all' }, clock.now());
        const events = (await named(tx, [grant])).map((one) => grantEvent('grant.created', one, actorOf(context)));
        return { result: undefined, events };
      });
      return grantView(grant);
    },

    deleteGrant: async (context, { params }) => {
      const grant = await store.now.grants.find(params.id);
      if (grant === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
      const rule = ruleOf(grant);
      if (rule !== undefined)
        throw new Fault('CONFLICT', `the rule ${rule} of discovery gives this grant: change the rule`);
      await settlements.write(async (tx) => {
        const events = withdrawnEvents(await named(tx, [grant]), actorOf(context));
        await tx.grants.delete(grant.id);
        const { subject } = grant;
        await tx.commands.post(
          subject.kind === 'user' ? { kind: 'recheck-user', userId: subject.id } : { kind: 'recheck-all' },
          clock.now(),
        );
        return { result: undefined, events };
      });
      return undefined;
    },
  };
}
