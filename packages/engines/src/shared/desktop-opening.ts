import type { Duplex } from 'node:stream';
import type { Credential } from '@enchilada/core/credential';
import type { ConnectStep, EngineContext, EngineFacts } from '@enchilada/core/engine';
import type { GreetingParts } from './greeting.ts';
import { openPassage, type PassageParts } from './passage.ts';

export type DesktopLimits = GreetingParts['limits'];

/** What each connection to a desktop is made from. */
export interface DesktopRequest extends GreetingParts {
  progress(step: ConnectStep): void;
  /** A further stream to the desktop, where one connection does not make do. @throws Fault TARGET_* */
  dialAgain(): Promise<Duplex>;
}

export interface OpenedDesktop<C> {
  readonly first: C;
  /** A further connection to the same desktop, signed in as the same account. @throws Fault */
  readonly connect: () => Promise<C>;
  /** To be closed with the session. */
  readonly passage: AsyncDisposable;
}

const LIMITS: DesktopLimits = { handshakeMs: 20_000, answerMs: 180_000 };

/** The way to a desktop, and the first connection on it. @throws Fault TARGET_*, HOST_KEY_*, CREDENTIAL_* */
export async function openDesktop<C extends { readonly facts: EngineFacts }>(
  context: EngineContext,
  { limits = {}, ...parts }: PassageParts & { readonly limits?: Partial<DesktopLimits> },
  connectOn: (stream: Duplex, request: DesktopRequest) => Promise<C>,
): Promise<OpenedDesktop<C>> {
  const { clock, signal } = context;
  const hop = context.hops.at(-1) ?? context.hops[0];
  await using opened = new AsyncDisposableStack();
  const passage = opened.use(await openPassage(context, parts));
  // Kept for the life of the session: each further connection signs in to the target again.
  let known: Promise<Credential> | undefined;
  const credential = (): Promise<Credential> => (known ??= hop.credential());
  const connect = async (report: EngineContext['progress']): Promise<C> =>
    connectOn(await passage.connect(report), {
      ...{ hop, limits: { ...LIMITS, ...limits }, credential, clock, signal },
      progress: (step) => {
        report(step, hop.leave.target.name);
      },
      dialAgain: () => passage.connect(() => undefined),
    });
  const made = await connect((step, name) => {
    context.progress(step, name);
  });
  const first = passage.via.length === 0 ? made : { ...made, facts: { ...made.facts, via: passage.via.join(' → ') } };
  return { first, connect: () => connect(() => undefined), passage: opened.move() };
}
