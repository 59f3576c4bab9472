import { createServer, type Socket } from 'node:net';
import { Secret, type Credential } from '@enchilada/core/credential';
import type {
  ConnectStep,
  EngineContext,
  EngineStream,
  Hop,
  ParameterValues,
  Seat,
  SeatEvent,
  StreamedSession,
} from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { systemClock, testLeave, testTarget } from '@enchilada/core/testing/authorized';
import { RdpViewer, type RdpViewerOptions } from '@enchilada/core/testing/viewers/rdp-viewer';
import { createDialer, noCarrier } from '../shared/index.ts';
import type { MachineLimits } from './connect-machine.ts';
import type { KeyFrameRhythm } from './key-frames.ts';
import { createRdp } from './index.ts';
export { until } from '@enchilada/core/testing/until';

export interface Opening {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly parameters?: ParameterValues;
  readonly limits?: Partial<MachineLimits>;
  readonly keyFrames?: Partial<KeyFrameRhythm>;
  readonly hop?: Partial<Hop>;
  readonly context?: Partial<EngineContext>;
}

export function hopTo({ host, port, password = '', username = '', parameters = {}, hop = {} }: Opening): Hop {
  const credential: Credential = { kind: 'password', username, password: new Secret(password) };
  return {
    leave: testLeave(testTarget({ id: `tgt_${port}`, protocol: 'rdp', host, port, parameters })),
    credential: () => Promise.resolve(credential),
    verifyHostKey: () => Promise.resolve(),
    ...hop,
  };
}

export function engine(limits: Partial<MachineLimits> = {}, keyFrames: Partial<KeyFrameRhythm> = {}) {
  const dialer = createDialer({
    policy: { allowLoopback: true, allowOwnServices: false, allow: [], deny: [] },
    builtIn: new Map(),
  });
  return createRdp({ dialer, carrier: noCarrier, limits, keyFrames });
}

export async function openMachine(opening: Opening, steps: ConnectStep[] = []): Promise<StreamedSession> {
  return engine(opening.limits, opening.keyFrames).open({
    hops: [hopTo(opening)],
    sink: { output: () => undefined },
    display: { columns: 80, rows: 24 },
    clock: systemClock,
    signal: new AbortController().signal,
    ask: () => Promise.reject(new Fault('PROMPT_ABANDONED', 'nobody is there')),
    progress: (step) => void steps.push(step),
    ...opening.context,
  });
}

/** A viewer with a decoder. */
export class TestSeat implements Seat {
  readonly mode: 'control' | 'watch';
  clipboard = { upload: true, download: true };
  readonly events: SeatEvent[] = [];
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
    this.mode = mode;
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

  noted(event: SeatEvent): void {
    this.events.push(event);
  }

  async sit(session: StreamedSession): Promise<EngineStream> {
    this.stream = await session.join(this);
    this.viewer.greet();
    return this.stream;
  }
}

/** A server that the test writes itself. */
export async function scriptedServer(
  serve: (socket: Socket) => void,
): Promise<{ readonly host: string; readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    host: '127.0.0.1',
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
