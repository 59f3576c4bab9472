import type { Credential } from '@enchilada/core/credential';
import type { EngineContext, ProtocolEngine, StreamedSession } from '@enchilada/core/engine';
import { openPassage, type PassageParts } from '../shared/index.ts';
import { connectDesktop, type Desktop, type DesktopLimits } from './connect-desktop.ts';
import { manifest, readParameters } from './vnc-manifest.ts';
import { vncSession } from './vnc-session.ts';

const LIMITS: DesktopLimits = { handshakeMs: 20_000, answerMs: 180_000 };

export interface VncOptions extends PassageParts {
  readonly limits?: Partial<DesktopLimits>;
}

export function createVnc({ limits: given = {}, ...parts }: VncOptions): ProtocolEngine<StreamedSession> {
  const limits = { ...LIMITS, ...given };
  return {
    manifest,
    async open(context: EngineContext): Promise<StreamedSession> {
      const hop = context.hops.at(-1) ?? context.hops[0];
      const { target } = hop.leave;
      const parameters = readParameters(target.parameters);
      await using opened = new AsyncDisposableStack();
      const passage = opened.use(await openPassage(context, parts));
      // Kept for the life of the session: each further viewer signs in to the target again.
      let known: Promise<Credential> | undefined;
      const credential = (): Promise<Credential> => (known ??= hop.credential());
      const connect = async (report: EngineContext['progress']): Promise<Desktop> => {
        const stream = await passage.connect(report);
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
      return vncSession(
        passage.via.length === 0 ? first : { ...first, facts: { ...first.facts, via: passage.via.join(' → ') } },
        {
          parameters,
          signal: context.signal,
          connect: () => connect(() => undefined),
          passage: opened.move(),
        },
      );
    },
  };
}
