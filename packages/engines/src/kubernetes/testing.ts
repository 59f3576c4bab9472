import { DEFAULT_EGRESS } from '@enchilada/core/access';
import { Secret, type Credential } from '@enchilada/core/credential';
import type { EngineContext, EngineSession, Hop, ParameterValues, Prompt } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { systemClock, testLeave, testTarget } from '@enchilada/core/testing/authorized';
import { createDialer, noCarrier } from '../shared/index.ts';
import { createKubernetes } from './index.ts';
import type { KubernetesLimits } from './kubernetes-engine.ts';
export { until } from '@enchilada/core/testing/until';
import { until } from '@enchilada/core/testing/until';

export function engine(limits: Partial<KubernetesLimits> = {}) {
  const dialer = createDialer({ policy: { ...DEFAULT_EGRESS, allowLoopback: true }, builtIn: new Map() });
  return createKubernetes({ dialer, carrier: noCarrier, limits });
}

export function lines(pem: string): readonly string[] {
  return pem.split('\n').filter((line) => line !== '');
}

export interface Opening {
  readonly host?: string;
  readonly port: number;
  readonly credential: Credential;
  readonly parameters?: ParameterValues;
  readonly limits?: Partial<KubernetesLimits>;
  readonly hop?: Partial<Hop>;
  readonly context?: Partial<EngineContext>;
  /** What a person answers to each question; the questions are kept in `asked`. */
  readonly answers?: readonly string[];
}

export function token(text: string): Credential {
  return { kind: 'password', username: '', password: new Secret(text) };
}

export function hopTo({ host = 'localhost', port, credential, parameters = {}, hop = {} }: Opening): Hop {
  const target = testTarget({ id: `tgt_${port}`, protocol: 'kubernetes', host, port, parameters });
  return {
    leave: testLeave(target),
    credential: () => Promise.resolve(credential),
    verifyHostKey: () => Promise.reject(new Fault('HOST_KEY_UNKNOWN', 'no host key is pinned')),
    ...hop,
  };
}

export interface Opened extends AsyncDisposable {
  readonly session: EngineSession;
  readonly asked: readonly Prompt[];
  text(): string;
  type(text: string): void;
  see(text: string): Promise<unknown>;
}

export async function open(opening: Opening): Promise<Opened> {
  let text = '';
  const asked: Prompt[] = [];
  const answers = [...(opening.answers ?? [])];
  const session = await engine(opening.limits).open({
    hops: [hopTo(opening)],
    sink: { output: (bytes) => void (text += Buffer.from(bytes).toString('latin1')) },
    display: { columns: 91, rows: 33 },
    clock: systemClock,
    signal: new AbortController().signal,
    ask: (prompt) => {
      asked.push(prompt);
      const answer = answers.shift();
      return answer === undefined
        ? Promise.reject(new Fault('PROMPT_ABANDONED', 'nobody is there'))
        : Promise.resolve([answer]);
    },
    progress: () => undefined,
    ...opening.context,
  });
  return {
    session,
    asked,
    text: () => text,
    type: (typed) => void session.input(Buffer.from(typed)),
    see: (wanted) => until(() => text.includes(wanted)),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}
