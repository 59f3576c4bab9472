import type { Duplex } from 'node:stream';
import type { ConnectContext, Hop } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { Dialer } from '../shared/index.ts';
import { connectHop, TruncatablePeer, type ConnectedHop, type HopLimits } from './connect-hop.ts';
import { forwardFault } from './connection-fault.ts';

/** A dead peer is noticed within three keepalive intervals; people get three minutes for an answer. */
export const LIMITS: HopLimits = { handshakeMs: 20_000, answerMs: 180_000, keepaliveMisses: 3 };

export interface ChainParts {
  readonly context: ConnectContext;
  readonly dialer: Dialer;
  readonly limits: HopLimits;
}

/** A stream to the next machine through the one before it (`direct-tcpip`, RFC 4254 section 7.2). */
export async function forward(
  from: ConnectedHop,
  {
    jump,
    hop,
    context,
  }: {
    readonly jump: Hop;
    readonly hop: Hop;
    readonly context: Pick<ConnectContext, 'clock' | 'signal' | 'progress'>;
  },
  timeoutMs: number,
): Promise<Duplex> {
  const { target } = hop.leave;
  const facts = { host: target.host, port: target.port };
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  using _timer = context.clock.after(timeoutMs, () =>
    reject(new Fault('TARGET_TIMED_OUT', `${target.host} port ${target.port} did not answer in time`, { facts })),
  );
  const onAbort = (): void =>
    reject(
      new Fault('SESSION_ENDED', 'the session was ended while it was being opened', { cause: context.signal.reason }),
    );
  context.signal.addEventListener('abort', onAbort, { once: true });
  void from.closed.then((fault) =>
    reject(fault ?? new Fault('TARGET_DISCONNECTED', 'the jump host closed the connection')),
  );
  context.progress('route', target.name);
  try {
    from.client.forwardOut('127.0.0.1', 0, target.host, target.port, (error, channel) => {
      if (error === undefined) resolve(channel);
      else reject(forwardFault(error, jump.leave.target.name, facts));
    });
    const stream = await promise;
    context.progress('port', target.name);
    return stream;
  } finally {
    context.signal.removeEventListener('abort', onAbort);
  }
}

async function connect(reach: () => Promise<Duplex>, hop: Hop, { context, limits }: ChainParts): Promise<ConnectedHop> {
  try {
    return await connectHop(await reach(), { hop, context, limits, withoutTruncatable: false });
  } catch (error) {
    if (!(error instanceof TruncatablePeer)) throw error;
  }
  try {
    return await connectHop(await reach(), { hop, context, limits, withoutTruncatable: true });
  } catch (error) {
    if (!(error instanceof TruncatablePeer)) throw error;
    throw new Fault(
      'TARGET_NO_COMMON_ALGORITHM',
      'the target lacks strict key exchange and offers only ciphers that need it',
      { cause: error },
    );
  }
}

/** Signs in to each machine through the one before it. Those of `owned` that are open are closed with it. */
export async function connectChain(
  [entry, ...inner]: readonly [Hop, ...Hop[]],
  owned: AsyncDisposableStack,
  parts: ChainParts,
): Promise<[ConnectedHop, ...ConnectedHop[]]> {
  const { context, dialer, limits } = parts;
  // Judged before anything is dialled: a chain to a forbidden address never starts.
  for (const hop of inner) await dialer.assertPermitted(hop.leave.target, context);
  let from = owned.use(await connect(() => dialer.dial(entry.leave, context), entry, parts));
  const hops: [ConnectedHop, ...ConnectedHop[]] = [from];
  let jump = entry;
  for (const hop of inner) {
    const [through, by] = [from, jump];
    from = owned.use(await connect(() => forward(through, { jump: by, hop, context }, limits.handshakeMs), hop, parts));
    hops.push(from);
    jump = hop;
  }
  return hops;
}
