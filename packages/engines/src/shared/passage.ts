import type { Duplex } from 'node:stream';
import type { EngineContext, Hop } from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';
import { abortFault } from './abort.ts';
import { type DialContext, type Dialer } from './dial.ts';
import { readWake, type Wake } from './wake.ts';

/** The way to one machine, on which any number of connections go while it is open. */
export interface Passage extends AsyncDisposable {
  /** Names of the machines on the way. */
  readonly via: readonly string[];
  /** @throws Fault TARGET_* */
  connect(report: DialContext['progress']): Promise<Duplex>;
}

/** Opens ways through machines that pass connections on; one protocol does it for all others. */
export interface Carrier {
  /** Signs in to every machine of the route but the last. @throws Fault TARGET_*, HOST_KEY_*, CREDENTIAL_* */
  open(context: EngineContext): Promise<Passage>;
}

export interface PassageParts {
  readonly dialer: Dialer;
  readonly carrier: Carrier;
}

const AGAIN_MS = 1_000;
const ASLEEP = ['TARGET_REFUSED', 'TARGET_TIMED_OUT', 'TARGET_NO_ROUTE'] as const;

/** Straight to the machine, or through its jump hosts. @throws Fault TARGET_*, HOST_KEY_*, CREDENTIAL_* */
export async function openPassage(context: EngineContext, { dialer, carrier }: PassageParts): Promise<Passage> {
  const hop: Hop = context.hops.at(-1) ?? context.hops[0];
  const wake = readWake(hop.leave.target.parameters);
  const passage =
    context.hops.length > 1
      ? await carrier.open(context)
      : {
          via: [],
          connect: (progress: DialContext['progress']) =>
            dialer.dial(hop.leave, { clock: context.clock, signal: context.signal, progress }),
          [Symbol.asyncDispose]: () => Promise.resolve(),
        };
  if (wake === undefined) return passage;
  return {
    via: passage.via,
    connect: (progress) =>
      untilAwake(() => passage.connect(progress), {
        wake,
        context,
        send: () => dialer.wake(hop.leave, wake),
      }),
    [Symbol.asyncDispose]: () => passage[Symbol.asyncDispose](),
  };
}

/** A packet goes with each attempt: packets are lost, and one to a machine that is awake does nothing. */
async function untilAwake(
  connect: () => Promise<Duplex>,
  { wake, context, send }: { readonly wake: Wake; readonly context: EngineContext; send(): Promise<void> },
): Promise<Duplex> {
  const { clock, signal } = context;
  const until = clock.monotonicMs() + wake.waitMs;
  for (;;) {
    await send();
    try {
      return await connect();
    } catch (failure) {
      if (!ASLEEP.some((code) => isFault(failure, code)) || clock.monotonicMs() >= until) throw failure;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    using _timer = clock.after(AGAIN_MS, resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    if (signal.aborted) throw abortFault(signal);
  }
}

/** For engines whose machines are reached directly only. */
export const noCarrier: Carrier = {
  open: () => Promise.reject(new Fault('CONFLICT', 'this protocol is reached directly, without a jump host')),
};
