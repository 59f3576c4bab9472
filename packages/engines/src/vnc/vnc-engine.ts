import type { EngineContext, ProtocolEngine, StreamedSession } from '@enchilada/core/engine';
import { openDesktop, type DesktopLimits, type PassageParts } from '../shared/index.ts';
import { connectDesktop } from './connect-desktop.ts';
import { manifest, readParameters } from './vnc-manifest.ts';
import { vncSession } from './vnc-session.ts';

export interface VncOptions extends PassageParts {
  readonly limits?: Partial<DesktopLimits>;
}

export function createVnc(options: VncOptions): ProtocolEngine<StreamedSession> {
  return {
    manifest,
    async open(context: EngineContext): Promise<StreamedSession> {
      const hop = context.hops.at(-1) ?? context.hops[0];
      const parameters = readParameters(hop.leave.target.parameters);
      const { first, ...opened } = await openDesktop(context, options, (stream, request) =>
        connectDesktop(stream, { ...request, parameters }),
      );
      return vncSession(first, { ...opened, parameters, signal: context.signal });
    },
  };
}
