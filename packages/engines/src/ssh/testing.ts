import { DEFAULT_EGRESS } from '@enchilada/core/access';
import { Secret, type Credential } from '@enchilada/core/credential';
import type { ConnectStep, EngineSession, Prompt } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { decideHostKey, type HostKey, type PresentedHostKey, type Target } from '@enchilada/core/target';
import { systemClock, testJourney, testTarget } from '@enchilada/core/testing/authorized';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import type { Clock } from '@enchilada/core/time';
import { createDialer, type BuiltInMachine } from '../shared/index.ts';
import type { HopLimits } from './connect-hop.ts';
import { createSsh } from './index.ts';
import type { TryItMachine } from './try-it/index.ts';
export { until } from '@enchilada/core/testing/until';

export interface TestHop {
  readonly target: Target;
  readonly credential: () => Promise<Credential>;
  /** Pinned keys; absent: whatever the target shows is accepted. */
  readonly pinned?: readonly HostKey[];
}

export interface Journey {
  readonly hops: readonly [TestHop, ...TestHop[]];
  readonly limits?: Partial<HopLimits>;
  readonly builtIn?: ReadonlyMap<string, BuiltInMachine>;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly ask?: (prompt: Prompt) => Promise<readonly string[]>;
  readonly output?: (bytes: Uint8Array) => void;
}

export interface OpenClient extends AsyncDisposable {
  readonly session: EngineSession;
  readonly steps: readonly string[];
  readonly shown: readonly PresentedHostKey[];
  output(): string;
}

export interface Trace {
  readonly steps: string[];
  readonly shown: PresentedHostKey[];
}

export function password(username: string, text: string): () => Promise<Credential> {
  return async () => ({ kind: 'password', username, password: new Secret(text) });
}

export function sshdTarget(sshd: Pick<Sshd, 'host' | 'port'>, fields: Partial<Target> = {}): Target {
  return testTarget({ id: `tgt_${sshd.port}`, protocol: 'ssh', host: sshd.host, port: sshd.port, ...fields });
}

export function pinnedKeys(
  target: Target,
  keys: readonly { keyType: string; key: Uint8Array; fingerprint: string }[],
): readonly HostKey[] {
  return keys.map((key) => ({ ...key, targetId: target.id, state: 'pinned', pinnedAt: 0, pinnedBy: 'test' }));
}

/** Opens a session over loopback, with the product's own host key decision. */
export async function openJourney(journey: Journey, trace: Trace = { steps: [], shown: [] }): Promise<OpenClient> {
  const chunks: Buffer[] = [];
  const dialer = createDialer({
    policy: { ...DEFAULT_EGRESS, allowLoopback: true },
    builtIn: journey.builtIn ?? new Map(),
  });
  const leaves = testJourney(journey.hops.map((hop) => hop.target) as [Target, ...Target[]]);
  const hops = journey.hops.map((hop, index) => ({
    leave: leaves[index]!,
    credential: hop.credential,
    ...(hop.pinned === undefined ? {} : { pinnedKeyTypes: hop.pinned.map((key) => key.keyType) }),
    async verifyHostKey(presented: PresentedHostKey) {
      trace.shown.push(presented);
      if (hop.pinned === undefined) return;
      const decision = decideHostKey(hop.pinned, presented, hop.target.hostKeyPolicy);
      if (decision === 'changed') throw new Fault('HOST_KEY_CHANGED', 'the host key differs from the pinned one');
      if (decision !== 'accept') throw new Fault('HOST_KEY_UNKNOWN', `the host key is ${decision}`);
    },
  }));
  const session = await createSsh({ dialer, limits: journey.limits ?? {} }).open({
    hops: hops as [(typeof hops)[number], ...typeof hops],
    sink: { output: journey.output ?? ((bytes) => void chunks.push(Buffer.from(bytes))) },
    display: { columns: 80, rows: 24 },
    clock: journey.clock ?? systemClock,
    signal: journey.signal ?? new AbortController().signal,
    ask: journey.ask ?? (() => Promise.reject(new Fault('PROMPT_ABANDONED', 'nobody is there'))),
    progress: (step: ConnectStep) => void trace.steps.push(step),
  });
  return {
    session,
    steps: trace.steps,
    shown: trace.shown,
    output: () => Buffer.concat(chunks).toString(),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** A session on the built-in machine, its host key checked. */
export function checkedOpen({
  machine,
  password: text,
}: {
  readonly machine: TryItMachine;
  readonly password?: string;
}): Promise<OpenClient> {
  const target = testTarget({ id: 'tgt_built_in', protocol: 'ssh', host: 'try-it', port: 22, builtIn: 'try-it' });
  const credential = text === undefined ? async () => machine.credential : password('guest', text);
  return openJourney({
    hops: [{ target, credential, pinned: pinnedKeys(target, [machine.hostKey]) }],
    builtIn: new Map([['try-it', machine]]),
  });
}
