import { createServer, type Socket } from 'node:net';
import { DEFAULT_EGRESS } from '@enchilada/core/access';
import { Secret, type Credential } from '@enchilada/core/credential';
import type {
  ConnectStep,
  EngineContext,
  Hop,
  ParameterValues,
  ProtocolEngine,
  ProtocolId,
  Seat,
  SeatEvent,
  StreamedSession,
} from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { systemClock, testLeave, testTarget } from '@enchilada/core/testing/authorized';
import { createDialer, type DesktopLimits } from './index.ts';

/** A dialer that reaches the test's own machines. */
export const loopbackDialer = () =>
  createDialer({ policy: { ...DEFAULT_EGRESS, allowLoopback: true }, builtIn: new Map() });

/** A desktop to be opened, and how. */
export interface Opening {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly parameters?: ParameterValues;
  readonly limits?: Partial<DesktopLimits>;
  readonly hop?: Partial<Hop>;
  readonly context?: Partial<EngineContext>;
}

export function desktopHop(protocol: ProtocolId, opening: Opening): Hop {
  const { host, port, password = '', username = '', parameters = {}, hop = {} } = opening;
  const credential: Credential = { kind: 'password', username, password: new Secret(password) };
  return {
    leave: testLeave(testTarget({ id: `tgt_${port}`, protocol, host, port, parameters })),
    credential: () => Promise.resolve(credential),
    verifyHostKey: () => Promise.resolve(),
    ...hop,
  };
}

/** Opens it for somebody who answers no question. */
export function openWith(
  engine: ProtocolEngine<StreamedSession>,
  opening: Opening,
  steps: ConnectStep[],
): Promise<StreamedSession> {
  return engine.open({
    hops: [desktopHop(engine.manifest.id, opening)],
    sink: { output: () => undefined },
    display: { columns: 80, rows: 24 },
    clock: systemClock,
    signal: new AbortController().signal,
    ask: () => Promise.reject(new Fault('PROMPT_ABANDONED', 'nobody is there')),
    progress: (step) => void steps.push(step),
    ...opening.context,
  });
}

/** A viewer that remembers what was noted of it. */
export abstract class NotedSeat implements Seat {
  readonly mode: 'control' | 'watch';
  viewOnly = false;
  clipboard = { upload: true, download: true };
  clipboardFiles = { upload: true, download: true };
  readonly events: SeatEvent[] = [];
  abstract readonly sink: Seat['sink'];
  readonly asides: Uint8Array[] = [];

  constructor(mode: 'control' | 'watch') {
    this.mode = mode;
  }

  aside(bytes: Uint8Array): void {
    this.asides.push(bytes);
  }

  written(): Promise<void> {
    return Promise.resolve();
  }

  noted(event: SeatEvent): void {
    this.events.push(event);
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
