import type { AuthorizedTarget } from '../access/index.ts';
import type {
  AnyEngine,
  DisplaySize,
  EngineContext,
  EngineSession,
  FileChannel,
  StreamedSession,
} from '../engine/index.ts';
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
  parts: BrokerParts,
  { display, signal, sink, progress, ...asked }: Connection,
): Promise<EngineSession | StreamedSession> {
  const engine = engineFor(leave, parts);
  const hops = await routeTo(leave, { ...waysOf(parts), signal, ...asked });
  const { clock } = parts;
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

/** Opens the files of a machine beside a session on another one. @throws Fault */
export async function connectFiles(
  leave: AuthorizedTarget,
  parts: BrokerParts,
  { signal, ...asked }: Omit<Connection, 'sink' | 'display' | 'progress'>,
): Promise<FileChannel> {
  const { openFiles } = engineFor(leave, parts);
  if (openFiles === undefined) throw new Fault('FILES_UNAVAILABLE', `${leave.target.protocol} has no files`);
  const { clock } = parts;
  const { target } = leave;
  if ((await parts.lookAgain?.(target, signal))?.isChanged === true)
    throw new Fault('CONFLICT', `${target.name} has changed since the session was opened: open it again`);
  const hops = await routeTo(leave, { ...waysOf(parts), signal, ...asked });
  return openFiles({
    hops,
    clock,
    signal,
    progress: () => undefined,
    ask: (prompt) => asked.questions.prompt(prompt),
  });
}

function waysOf({ store, vault, authority, issuers, builtIns, clock, lookAgain }: BrokerParts) {
  const ways = { store, vault, authority, issuers, builtIns, clock };
  return lookAgain === undefined ? ways : { ...ways, lookAgain };
}

function engineFor({ target: { protocol } }: AuthorizedTarget, { engines, allowCleartext }: BrokerParts): AnyEngine {
  const engine = engines.get(protocol);
  if (engine === undefined) throw new Fault('NOT_FOUND', `no engine speaks ${protocol}`);
  if (engine.manifest.cleartext === true && !allowCleartext)
    throw new Fault('TARGET_CLEARTEXT_REFUSED', `${protocol} has no encryption and egress.allowCleartext is off`);
  return engine;
}
