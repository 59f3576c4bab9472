import type { Hop } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { Carrier } from '../shared/index.ts';
import { connectChain, forward, LIMITS } from './jump-chain.ts';
import type { SshOptions } from './ssh-engine.ts';
import { manifest } from './ssh-manifest.ts';

/** Carries connections of other protocols through a chain of SSH servers, each with its own host key and credential. */
export function createSshCarrier({ dialer, limits: given = {} }: SshOptions): Carrier {
  const limits = { ...LIMITS, ...given };
  return {
    async open(context) {
      const hop = context.hops.at(-1) ?? context.hops[0];
      const jumps = context.hops.slice(0, -1);
      const [entry, ...inner] = jumps;
      const stranger = jumps.find(({ leave }) => leave.target.protocol !== manifest.id);
      if (entry === undefined || stranger !== undefined)
        throw new Fault('CONFLICT', `${stranger?.leave.target.name ?? 'the route'} cannot pass connections on`);
      await dialer.assertPermitted(hop.leave.target, context);
      await using chain = new AsyncDisposableStack();
      const hops = await connectChain([entry, ...inner], chain, { context, dialer, limits });
      const last = hops.at(-1) ?? hops[0];
      const jump: Hop = inner.at(-1) ?? entry;
      const owned = chain.move();
      return {
        via: jumps.map(({ leave }) => leave.target.name),
        async connect(progress) {
          const { clock, signal } = context;
          const stream = await forward(last, { jump, hop, context: { clock, signal, progress } }, limits.handshakeMs);
          // A channel hears nothing of a break further up the chain.
          for (const { closed } of hops) void closed.then((fault) => stream.destroy(fault));
          return stream;
        },
        [Symbol.asyncDispose]: () => owned.disposeAsync(),
      };
    },
  };
}
