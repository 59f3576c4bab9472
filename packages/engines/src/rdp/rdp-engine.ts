import type { Credential } from '@enchilada/core/credential';
import type { EngineContext, ProtocolEngine, StreamedSession } from '@enchilada/core/engine';
import { openPassage, type PassageParts } from '../shared/index.ts';
import { connectMachine, type Machine, type MachineLimits } from './connect-machine.ts';
import { KEY_FRAME_RHYTHM, type KeyFrameRhythm } from './key-frames.ts';
import { manifest, readParameters } from './rdp-manifest.ts';
import { RdpSession } from './rdp-session.ts';

const LIMITS: MachineLimits = { handshakeMs: 20_000, answerMs: 180_000 };

export interface RdpOptions extends PassageParts {
  readonly limits?: Partial<MachineLimits>;
  readonly keyFrames?: Partial<KeyFrameRhythm>;
}

export function createRdp({
  limits: given = {},
  keyFrames: rhythm = {},
  ...parts
}: RdpOptions): ProtocolEngine<StreamedSession> {
  const limits = { ...LIMITS, ...given };
  const keyFrames = { ...KEY_FRAME_RHYTHM, ...rhythm };
  return {
    manifest,
    async open(context: EngineContext): Promise<StreamedSession> {
      const hop = context.hops.at(-1) ?? context.hops[0];
      const { target } = hop.leave;
      const parameters = readParameters(target.parameters);
      await using opened = new AsyncDisposableStack();
      const passage = opened.use(await openPassage(context, parts));
      // Kept for the life of the session: each further connection signs in to the target again.
      let known: Promise<Credential> | undefined;
      const credential = (): Promise<Credential> => (known ??= hop.credential());
      const connect = async (report: EngineContext['progress']): Promise<Machine> => {
        const { clock, signal } = context;
        const stream = await passage.connect(report);
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
      return new RdpSession(
        passage.via.length === 0 ? first : { ...first, facts: { ...first.facts, via: passage.via.join(' → ') } },
        {
          held: { host: target.host, clock: context.clock, keyFrames },
          parameters,
          signal: context.signal,
          connect: () => connect(() => undefined),
          passage: opened.move(),
        },
      );
    },
  };
}
