import type { ConnectStep, EngineStream, Hop, StreamedSession } from '@enchilada/core/engine';
import { RdpViewer, type RdpViewerOptions } from '@enchilada/core/testing/viewers/rdp-viewer';
import { noCarrier } from '../shared/index.ts';
import { desktopHop, loopbackDialer, NotedSeat, openWith, type Opening as DesktopOpening } from '../shared/testing.ts';
import type { KeyFrameRhythm } from './key-frames.ts';
import { createRdp } from './index.ts';
import type { RdpOptions } from './rdp-engine.ts';
import type { StreamLogLimits } from './stream-log.ts';
export { until } from '@enchilada/core/testing/until';
export { scriptedServer } from '../shared/testing.ts';

export interface Opening extends DesktopOpening {
  readonly keyFrames?: Partial<KeyFrameRhythm>;
  readonly streamLog?: Partial<StreamLogLimits>;
}

export function hopTo(opening: Opening): Hop {
  return desktopHop('rdp', opening);
}

type Wishes = Pick<RdpOptions, 'limits' | 'keyFrames' | 'streamLog'>;

export function engine({ limits = {}, keyFrames = {}, streamLog = {} }: Wishes = {}) {
  return createRdp({ dialer: loopbackDialer(), carrier: noCarrier, limits, keyFrames, streamLog });
}

export function openMachine(opening: Opening, steps: ConnectStep[] = []): Promise<StreamedSession> {
  return openWith(engine(opening), opening, steps);
}

/** A viewer with a decoder. */
export class TestSeat extends NotedSeat {
  readonly messages: Buffer[] = [];
  readonly viewer: RdpViewer;
  stream: EngineStream | undefined;
  readonly #early: Uint8Array[] = [];
  readonly sink = {
    output: (bytes: Uint8Array): void => {
      this.messages.push(Buffer.from(bytes));
      this.viewer.push(bytes);
    },
  };

  constructor(mode: 'control' | 'watch' = 'control', options: Partial<RdpViewerOptions> = {}) {
    super(mode);
    this.viewer = new RdpViewer({
      channels: ['drdynvc', 'cliprdr', 'rdpsnd'],
      ...options,
      send: (bytes) => {
        // The decoder answers from within the output that it reads.
        this.#early.push(bytes);
        queueMicrotask(() => {
          for (const one of this.#early.splice(0)) this.stream?.input(one);
        });
      },
    });
  }

  override aside(bytes: Uint8Array): void {
    super.aside(bytes);
    this.viewer.push(bytes);
  }

  async sit(session: StreamedSession): Promise<EngineStream> {
    this.stream = await session.join(this);
    this.viewer.greet();
    return this.stream;
  }
}
