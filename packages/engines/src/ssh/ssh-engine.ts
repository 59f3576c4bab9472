import type { EngineSession, FileChannel, ProtocolEngine } from '@enchilada/core/engine';
import type { Dialer } from '../shared/index.ts';
import type { HopLimits } from './connect-hop.ts';
import { connectChain, LIMITS } from './jump-chain.ts';
import { openFiles } from './sftp/index.ts';
import { openShell } from './shell-session.ts';
import { manifest } from './ssh-manifest.ts';

export interface SshOptions {
  readonly dialer: Dialer;
  readonly limits?: Partial<HopLimits>;
}

export function createSsh({ dialer, limits: given = {} }: SshOptions): ProtocolEngine {
  const limits: HopLimits = { ...LIMITS, ...given };
  return {
    manifest,
    async open(context): Promise<EngineSession> {
      await using chain = new AsyncDisposableStack();
      const hops = await connectChain(context.hops, chain, { context, dialer, limits });
      const last = hops.at(-1) ?? hops[0];
      const names = context.hops.map((hop) => hop.leave.target.name);
      context.progress('shell', names.at(-1) ?? '');
      const facts = hops.length === 1 ? last.facts : { ...last.facts, via: names.slice(0, -1).join(' → ') };
      const session = await openShell(context, { hops, facts, limits });
      chain.move();
      return session;
    },

    async openFiles(context): Promise<FileChannel> {
      await using chain = new AsyncDisposableStack();
      const hops = await connectChain(context.hops, chain, { context, dialer, limits });
      const last = hops.at(-1) ?? hops[0];
      const owned = chain.move();
      try {
        const files = await openFiles(last.client, owned);
        // A channel hears nothing of a break further up the chain.
        for (const { closed } of hops) void closed.then(() => files[Symbol.asyncDispose]());
        return files;
      } catch (failure) {
        await owned.disposeAsync();
        throw failure;
      }
    },
  };
}
