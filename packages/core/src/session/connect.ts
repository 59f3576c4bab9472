import type { AuthorizedTarget } from '../access/index.ts';
import type { DisplaySize, EngineContext, EngineSession, StreamedSession } from '../engine/index.ts';
import { Fault } from '../fault/index.ts';
import type { BrokerParts } from './broker-parts.ts';
import { routeTo } from './route.ts';
import type { RouteParts } from './route.ts';

/** What one session brings to its connection. */
export interface Connection
  extends
    Pick<EngineContext, 'signal' | 'sink' | 'progress'>,
    Pick<RouteParts, 'sessionId' | 'questions' | 'loginPassword' | 'audit'> {
  /** As it is when the way is known. */
  readonly display: () => DisplaySize;
}

/** Opens the target by the engine of its protocol, over its jump hosts. @throws Fault */
export async function connect(
  leave: AuthorizedTarget,
  { engines, allowCleartext, store, vault, authority, issuers, builtIns, clock }: BrokerParts,
  { display, signal, sink, progress, ...asked }: Connection,
): Promise<EngineSession | StreamedSession> {
  const { protocol } = leave.target;
  const engine = engines.get(protocol);
  if (engine === undefined) throw new Fault('NOT_FOUND', `no engine speaks ${protocol}`);
  if (engine.manifest.cleartext === true && !allowCleartext)
    throw new Fault('TARGET_CLEARTEXT_REFUSED', `${protocol} has no encryption and egress.allowCleartext is off`);
  const hops = await routeTo(leave, { store, vault, authority, issuers, builtIns, clock, ...asked });
  return engine.open({
    hops,
    display: display(),
    clock,
    signal,
    sink,
    progress,
    ask: (prompt) => asked.questions.prompt(prompt),
  });
}
