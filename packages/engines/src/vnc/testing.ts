import { createServer, type Socket } from 'node:net';
import { DEFAULT_EGRESS } from '@enchilada/core/access';
import { Secret, type Credential } from '@enchilada/core/credential';
import type { ConnectStep, EngineContext, Hop, Seat, SeatEvent, StreamedSession } from '@enchilada/core/engine';
import type { ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { systemClock, testLeave, testTarget } from '@enchilada/core/testing/authorized';
import { createDialer, noCarrier, type Carrier } from '../shared/index.ts';
import type { DesktopLimits } from './connect-desktop.ts';
import { createVnc } from './index.ts';
export { until } from '@enchilada/core/testing/until';

export const ANSWER = Buffer.concat([Buffer.from('RFB 003.008\n'), Buffer.of(1, 1)]);
/** SetEncodings with Raw and the desktop's size; a request for the whole picture. */
export const WISHES = Buffer.from([2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x21]);

export function updateRequest(width: number, height: number, incremental = false): Buffer {
  const message = Buffer.alloc(10);
  message[0] = 3;
  message[1] = incremental ? 1 : 0;
  message.writeUInt16BE(width, 6);
  message.writeUInt16BE(height, 8);
  return message;
}

export interface Opening {
  readonly host: string;
  readonly port: number;
  readonly password?: string;
  readonly username?: string;
  readonly parameters?: ParameterValues;
  readonly limits?: Partial<DesktopLimits>;
  readonly hop?: Partial<Hop>;
  readonly context?: Partial<EngineContext>;
}

export function hopTo({ host, port, password = 'otters77', username = '', parameters = {}, hop = {} }: Opening): Hop {
  const credential: Credential = { kind: 'password', username, password: new Secret(password) };
  return {
    leave: testLeave(testTarget({ id: `tgt_${port}`, protocol: 'vnc', host, port, parameters })),
    credential: () => Promise.resolve(credential),
    verifyHostKey: () => Promise.resolve(),
    ...hop,
  };
}

export function engine(limits: Partial<DesktopLimits> = {}, carrier: Carrier = noCarrier) {
  const dialer = createDialer({ policy: { ...DEFAULT_EGRESS, allowLoopback: true }, builtIn: new Map() });
  return createVnc({ dialer, carrier, limits });
}

export async function openDesktop(opening: Opening, steps: ConnectStep[] = []): Promise<StreamedSession> {
  return engine(opening.limits).open({
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

/** A viewer that remembers what it was sent. */
export class TestSeat implements Seat {
  readonly mode: 'control' | 'watch';
  clipboard = { upload: true, download: true };
  readonly events: SeatEvent[] = [];
  bytes = Buffer.alloc(0);
  messages = 0;
  readonly sink = {
    output: (bytes: Uint8Array): void => {
      this.messages += 1;
      this.bytes = Buffer.concat([this.bytes, bytes]);
    },
  };

  constructor(mode: 'control' | 'watch' = 'control') {
    this.mode = mode;
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
