import type { Credential } from '@enchilada/core/credential';
import type { EngineContext, ProtocolEngine, StreamedSession } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { Dialer } from '../shared/index.ts';
import { connectDesktop, type Desktop, type DesktopLimits } from './connect-desktop.ts';
import { manifest, readParameters } from './vnc-manifest.ts';
import { VncSession } from './vnc-session.ts';

const LIMITS: DesktopLimits = { handshakeMs: 20_000, answerMs: 180_000 };

export interface VncOptions {
  readonly dialer: Dialer;
  readonly limits?: Partial<DesktopLimits>;
}

export function createVnc({ dialer, limits: given = {} }: VncOptions): ProtocolEngine<StreamedSession> {
  const limits = { ...LIMITS, ...given };
  return {
    manifest,
    async open(context: EngineContext): Promise<StreamedSession> {
      const hop = context.hops[context.hops.length - 1];
      if (hop === undefined || context.hops.length > 1)
        throw new Fault('CONFLICT', 'a desktop is reached directly, without a jump host');
      const { target } = hop.leave;
      const parameters = readParameters(target.parameters);
      // Kept for the life of the session: each further viewer signs in to the target again.
      let known: Promise<Credential> | undefined;
      const credential = (): Promise<Credential> => (known ??= hop.credential());
      const connect = async (report: EngineContext['progress']): Promise<Desktop> => {
        const stream = await dialer.dial(hop.leave, { clock: context.clock, signal: context.signal, progress: report });
        return connectDesktop(stream, {
          hop,
          parameters,
          limits,
          credential,
          clock: context.clock,
          signal: context.signal,
          progress: (step) => {
            report(step, target.name);
          },
        });
      };
      const first = await connect((step, name) => {
        context.progress(step, name);
      });
      return new VncSession(first, { parameters, signal: context.signal, connect: () => connect(() => undefined) });
    },
  };
}
