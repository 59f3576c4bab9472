import type { Credential } from '@enchilada/core/credential';
import type { EngineContext, ProtocolEngine, StreamedSession } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { Dialer } from '../shared/index.ts';
import { connectMachine, type Machine, type MachineLimits } from './connect-machine.ts';
import { manifest, readParameters } from './rdp-manifest.ts';
import { RdpSession } from './rdp-session.ts';

const LIMITS: MachineLimits = { handshakeMs: 20_000, answerMs: 180_000 };

export interface RdpOptions {
  readonly dialer: Dialer;
  readonly limits?: Partial<MachineLimits>;
}

export function createRdp({ dialer, limits: given = {} }: RdpOptions): ProtocolEngine<StreamedSession> {
  const limits = { ...LIMITS, ...given };
  return {
    manifest,
    async open(context: EngineContext): Promise<StreamedSession> {
      const hop = context.hops[context.hops.length - 1];
      if (hop === undefined || context.hops.length > 1)
        throw new Fault('CONFLICT', 'a desktop is reached directly, without a jump host');
      const { target } = hop.leave;
      const parameters = readParameters(target.parameters);
      // Kept for the life of the session: each further connection signs in to the target again.
      let known: Promise<Credential> | undefined;
      const credential = (): Promise<Credential> => (known ??= hop.credential());
      const connect = async (report: EngineContext['progress']): Promise<Machine> => {
        const { clock, signal } = context;
        const stream = await dialer.dial(hop.leave, { clock, signal, progress: report });
        return connectMachine(stream, {
          hop,
          parameters,
          limits,
          credential,
          clock,
          signal,
          progress: (step) => {
            report(step, target.name);
          },
        });
      };
      const first = await connect((step, name) => {
        context.progress(step, name);
      });
      return new RdpSession(first, {
        host: target.host,
        parameters,
        signal: context.signal,
        connect: () => connect(() => undefined),
      });
    },
  };
}
