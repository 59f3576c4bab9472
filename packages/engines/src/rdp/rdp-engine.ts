import type { EngineContext, ProtocolEngine, StreamedSession } from '@enchilada/core/engine';
import { openDesktop, type DesktopLimits, type PassageParts } from '../shared/index.ts';
import { connectMachine } from './connect-machine.ts';
import { KEY_FRAME_RHYTHM, type KeyFrameRhythm } from './key-frames.ts';
import { manifest, readParameters } from './rdp-manifest.ts';
import { RdpSession } from './rdp-session.ts';
import { STREAM_LOG_LIMITS, type StreamLogLimits } from './stream-log.ts';

export interface RdpOptions extends PassageParts {
  readonly limits?: Partial<DesktopLimits>;
  readonly keyFrames?: Partial<KeyFrameRhythm>;
  /** What is kept for viewers that come later. */
  readonly streamLog?: Partial<StreamLogLimits>;
}

export function createRdp({
  keyFrames: rhythm = {},
  streamLog = {},
  ...options
}: RdpOptions): ProtocolEngine<StreamedSession> {
  const keyFrames = { ...KEY_FRAME_RHYTHM, ...rhythm };
  return {
    manifest,
    async open(context: EngineContext): Promise<StreamedSession> {
      const { target } = (context.hops.at(-1) ?? context.hops[0]).leave;
      const parameters = readParameters(target.parameters);
      const { first, ...opened } = await openDesktop(context, options, (stream, request) =>
        connectMachine(stream, { ...request, parameters }),
      );
      const held = {
        host: target.host,
        clock: context.clock,
        keyFrames,
        streamLog: { ...STREAM_LOG_LIMITS, ...streamLog },
      };
      return new RdpSession(first, { ...opened, held, parameters, signal: context.signal });
    },
  };
}
