import { lookup } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import {
  egressVerdict,
  parseAddress,
  type AuthorizedTarget,
  type EgressPolicy,
  type OwnService,
} from '@enchilada/core/access';
import type { ConnectStep, ProtocolId } from '@enchilada/core/engine';
import { Fault, isFault, type FaultCode } from '@enchilada/core/fault';
import type { Target } from '@enchilada/core/target';
import type { Clock } from '@enchilada/core/time';
import { abortFault, unlessAborted } from './abort.ts';
import { numericHost } from './numeric-host.ts';
import { OwnServices } from './own-services.ts';
import { sendMagicPacket, type Wake } from './wake.ts';

/** Milliseconds for the whole of name, route and port. */
const CONNECT_MS = 10_000;
/** RFC 8305 section 5, Connection Attempt Delay. */
const ATTEMPT_DELAY_MS = 250;
/** Reaches the gateway's own network and no machine in particular: a magic packet may go there, a connection cannot. */
const LIMITED_BROADCAST = '255.255.255.255';
/** Names that clouds give their metadata service; behind a jump host only the name can be judged. */
const METADATA_NAMES = /^(?:metadata(?:\.google\.internal)?|metadata\.goog|instance-data(?:\.ec2\.internal)?)\.*$/iu;

/** The part of an `EngineContext` that a dialer needs. */
export interface DialContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  progress(step: ConnectStep, target: string): void;
}

/** The only way from an engine to the network. */
export interface Dialer {
  /**
   * Resolves once, judges every address and connects to the very address that was judged.
   * The last step reported is the one that failed.
   * @throws Fault TARGET_NAME_NOT_FOUND, TARGET_NO_ROUTE, TARGET_REFUSED, TARGET_TIMED_OUT, TARGET_EGRESS_DENIED
   */
  dial(leave: AuthorizedTarget, context: DialContext): Promise<Duplex>;
  /**
   * For a target that another host will dial for us: judges the port, the name, and the address where the host is one in whatever spelling.
   * @throws Fault TARGET_EGRESS_DENIED
   */
  assertPermitted(target: Target, context: Pick<DialContext, 'clock' | 'signal'>): Promise<void>;
  /**
   * For a target that a program beside us dials in our place: its addresses, in order, each of which was judged.
   * @throws Fault TARGET_NAME_NOT_FOUND, TARGET_TIMED_OUT, TARGET_EGRESS_DENIED
   */
  judged(target: Target, context: Pick<DialContext, 'clock' | 'signal'>): Promise<readonly string[]>;
  /** Sends a magic packet for a machine that may be asleep. @throws Fault TARGET_EGRESS_DENIED, TARGET_NO_ROUTE */
  wake(leave: AuthorizedTarget, wake: Wake): Promise<void>;
}

/** A machine inside the gateway. */
export interface BuiltInMachine {
  connect(): Duplex;
}

export interface DialerOptions {
  readonly policy: EgressPolicy;
  readonly builtIn: ReadonlyMap<string, BuiltInMachine>;
  /** Every address of a name, in order of preference. */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
  /** Protocols that are listed may use these ports only. */
  readonly ports?: Readonly<Record<ProtocolId, readonly number[]>>;
  /** Addresses of this machine, denied like loopback; the default asks the system at each dial. */
  readonly ownAddresses?: () => readonly string[];
  /** Where the product's own parts listen; asked again from time to time. */
  readonly ownServices?: () => Promise<readonly OwnService[]>;
  readonly connectMs?: number;
}

async function resolveAll(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return found.map((entry) => entry.address);
}

function systemAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((entry) => entry.address));
}

/** One spelling for an address; IPv4-mapped IPv6 is IPv4. */
function canonical(address: string): string {
  return parseAddress(address)?.join() ?? address;
}

function denied(target: Target, reason: string): Fault {
  return new Fault('TARGET_EGRESS_DENIED', `${target.host} port ${target.port} is not permitted: ${reason}`, {
    facts: { host: target.host, port: target.port },
  });
}

/** Why an opening was given up. */
const CODE_OF_ERRNO: Readonly<Record<string, FaultCode>> = {
  ECONNREFUSED: 'TARGET_REFUSED',
  ECONNRESET: 'TARGET_REFUSED',
  ETIMEDOUT: 'TARGET_TIMED_OUT',
};
/** The answer that says most about the target wins where several addresses failed. */
const TELLING: readonly FaultCode[] = ['TARGET_REFUSED', 'TARGET_TIMED_OUT', 'TARGET_NO_ROUTE'];

function connectFault(address: string, port: number, error: NodeJS.ErrnoException): Fault {
  const code = CODE_OF_ERRNO[error.code ?? ''] ?? 'TARGET_NO_ROUTE';
  return new Fault(code, `${address} port ${port} cannot be reached: ${error.code ?? error.message}`, {
    cause: error,
    facts: { address, port },
  });
}

interface Race {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Happy Eyeballs (RFC 8305) over addresses that were judged: the next attempt starts when one failed or is slow; the first to connect wins. */
function connectFirst({ addresses, port, clock, signal }: Race): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const open = new Set<Socket>();
    const faults: Fault[] = [];
    let next = 0;
    let stagger: Disposable | undefined;
    const settle = (): void => {
      stagger?.[Symbol.dispose]();
      signal.removeEventListener('abort', onAbort);
      for (const socket of open) socket.destroy();
    };
    const onAbort = (): void => {
      settle();
      reject(abortFault(signal));
    };
    const attempt = (): void => {
      stagger?.[Symbol.dispose]();
      const address = addresses[next];
      if (address === undefined) return;
      next += 1;
      // A literal address: `net` asks no resolver for it.
      const socket = connect({ host: address, port, noDelay: true, autoSelectFamily: false });
      open.add(socket);
      socket.once('connect', () => {
        open.delete(socket);
        socket.removeAllListeners('error');
        settle();
        resolve(socket);
      });
      socket.once('error', (error) => {
        open.delete(socket);
        faults.push(connectFault(address, port, error));
        if (next < addresses.length) attempt();
        else if (open.size === 0) {
          settle();
          reject(
            TELLING.map((code) => faults.find((fault) => fault.code === code)).find((fault) => fault !== undefined) ??
              connectFault(address, port, error),
          );
        }
      });
      if (next < addresses.length) stagger = clock.after(ATTEMPT_DELAY_MS, attempt);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    attempt();
  });
}

export function createDialer(options: DialerOptions): Dialer {
  const { policy, builtIn, ports = {}, connectMs = CONNECT_MS } = options;
  const find = options.lookup ?? resolveAll;
  const ownAddresses = options.ownAddresses ?? systemAddresses;

  const services = new OwnServices({ find, list: options.ownServices ?? (() => Promise.resolve([])), ownAddresses });

  const judge = (target: Target, addresses: readonly string[]): void => {
    const own = policy.allowLoopback ? [] : ownAddresses().map(canonical);
    for (const address of addresses) {
      const verdict = egressVerdict(address, policy);
      if (!verdict.allowed) throw denied(target, verdict.reason);
      if (own.includes(canonical(address))) throw denied(target, 'an address of this machine');
    }
  };
  const judgeService = (target: Target, addresses: readonly string[]): void => {
    const service = policy.allowOwnServices ? undefined : services.at(target, addresses);
    if (service !== undefined) throw denied(target, `${service.what} is there`);
  };
  const judgePort = (target: Target): void => {
    const permitted = Object.hasOwn(ports, target.protocol) ? ports[target.protocol] : undefined;
    if (permitted !== undefined && !permitted.includes(target.port))
      throw denied(target, `the protocol may use port ${permitted.join(', ')} only`);
  };
  const resolve = async (target: Target, signal: AbortSignal): Promise<readonly string[]> => {
    let addresses: readonly string[];
    try {
      addresses = await unlessAborted(Promise.resolve(find(target.host)), signal);
    } catch (cause) {
      if (isFault(cause)) throw cause;
      throw new Fault('TARGET_NAME_NOT_FOUND', `${target.host} does not resolve`, {
        cause,
        facts: { host: target.host },
      });
    }
    if (addresses.length === 0)
      throw new Fault('TARGET_NAME_NOT_FOUND', `${target.host} has no address`, { facts: { host: target.host } });
    return addresses;
  };

  const limited = (
    { host, port }: Target,
    { clock, limit }: { readonly clock: Clock; readonly limit: AbortController },
  ): Disposable =>
    clock.after(connectMs, () =>
      limit.abort(
        new Fault('TARGET_TIMED_OUT', `${host} port ${port} did not answer within ${connectMs / 1000} s`, {
          facts: { host, port },
        }),
      ),
    );

  return {
    async assertPermitted(target, { clock, signal }) {
      judgePort(target);
      if (METADATA_NAMES.test(target.host)) throw denied(target, 'a cloud metadata name');
      const address = numericHost(target.host);
      if (address !== undefined) judge(target, [address]);
      await unlessAborted(services.refresh(clock), signal);
      judgeService(target, address === undefined ? [] : [address]);
    },

    async judged(target, { clock, signal }) {
      judgePort(target);
      if (METADATA_NAMES.test(target.host)) throw denied(target, 'a cloud metadata name');
      const limit = new AbortController();
      using _timer = limited(target, { clock, limit });
      const inTime = AbortSignal.any([signal, limit.signal]);
      const addresses = await resolve(target, inTime);
      judge(target, addresses);
      await unlessAborted(services.refresh(clock), inTime);
      judgeService(target, addresses);
      return addresses;
    },

    async wake({ target }, wake) {
      if (wake.address !== LIMITED_BROADCAST) judge({ ...target, host: wake.address, port: wake.port }, [wake.address]);
      try {
        await sendMagicPacket(wake);
      } catch (cause) {
        throw new Fault('TARGET_NO_ROUTE', `no magic packet can be sent to ${wake.address}`, { cause });
      }
    },

    async dial(leave, context) {
      const { target } = leave;
      if (target.builtIn !== undefined) {
        const machine = builtIn.get(target.builtIn);
        if (machine === undefined)
          throw new Fault('TARGET_REFUSED', `the built-in machine ${target.builtIn} is not running`);
        context.progress('port', target.name);
        return machine.connect();
      }
      judgePort(target);
      const limit = new AbortController();
      using _timer = limited(target, { clock: context.clock, limit });
      const signal = AbortSignal.any([context.signal, limit.signal]);
      context.progress('name', target.name);
      const addresses = await resolve(target, signal);
      context.progress('route', target.name);
      judge(target, addresses);
      await unlessAborted(services.refresh(context.clock), signal);
      judgeService(target, addresses);
      try {
        const socket = await connectFirst({ addresses, port: target.port, clock: context.clock, signal });
        context.progress('port', target.name);
        return socket;
      } catch (error) {
        if (isFault(error, 'TARGET_REFUSED')) context.progress('port', target.name);
        throw error;
      }
    },
  };
}
