import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { DEFAULT_EGRESS } from '@enchilada/core/access';
import { Secret, type Credential } from '@enchilada/core/credential';
import type { EngineContext, EngineSession, Hop, ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { systemClock, testLeave, testTarget } from '@enchilada/core/testing/authorized';
import { createDialer } from '../shared/index.ts';
import { createTelnet } from './index.ts';
import type { TelnetLimits } from './telnet-engine.ts';

export interface Listener extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  received(): Buffer;
}

/** A machine of the test's own, on a port of the system's choice. */
export async function listen(serve: (socket: Socket) => void): Promise<Listener> {
  const sockets = new Set<Socket>();
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => received.push(bytes));
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    received: () => Buffer.concat(received),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export function telnetHop(at: Address, credential: () => Promise<Credential>, parameters: ParameterValues = {}): Hop {
  const target = testTarget({ id: `tgt_${at.port}`, protocol: 'telnet', host: at.host, port: at.port, parameters });
  return { leave: testLeave(target), credential, verifyHostKey: () => Promise.resolve() };
}

export function password(username: string, text: string): () => Promise<Credential> {
  return () => Promise.resolve({ kind: 'password', username, password: new Secret(text) });
}

export const loopbackDialer = () =>
  createDialer({ policy: { ...DEFAULT_EGRESS, allowLoopback: true }, builtIn: new Map() });

export interface Opened extends AsyncDisposable {
  readonly session: EngineSession;
  readonly steps: readonly string[];
  text(): string;
}

export async function openTelnet(
  hop: Hop,
  options: { readonly limits?: Partial<TelnetLimits>; readonly context?: Partial<EngineContext> } = {},
  shown: Buffer[] = [],
): Promise<Opened> {
  const steps: string[] = [];
  const session = await createTelnet({ dialer: loopbackDialer(), limits: options.limits ?? {} }).open({
    hops: [hop],
    sink: { output: (bytes) => void shown.push(Buffer.from(bytes)) },
    display: { columns: 91, rows: 33 },
    clock: systemClock,
    signal: new AbortController().signal,
    ask: () => Promise.reject(new Fault('PROMPT_ABANDONED', 'nobody is there')),
    progress: (step) => void steps.push(step),
    ...options.context,
  });
  return {
    session,
    steps,
    text: () => Buffer.concat(shown).toString(),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}
