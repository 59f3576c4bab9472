import type { FoundMachine, ScopeRecord, Sighting } from '@enchilada/core/discovery';
import { Fault, toFault } from '@enchilada/core/fault';
import type { FreshLook } from '@enchilada/core/session';
import type { Store } from '@enchilada/core/store';
import type { Target } from '@enchilada/core/target';
import type { Clock } from '@enchilada/core/time';
import { ANSWER_MS } from './looks.ts';

/** For so long what was seen of a machine is believed without another look. */
const FRESH_MS = 60_000;

export interface FreshLookParts {
  readonly store: Store;
  readonly clock: Clock;
  /** Undefined where the source is switched off here. */
  readonly runnerOf: (sourceId: string) => Looker | undefined;
}

interface Looker {
  /** As read a moment ago. */
  readonly scopes: readonly ScopeRecord[];
  look(scope: ScopeRecord, nativeId: string): Promise<Sighting | undefined>;
}

/**
 * Asks a machine's source about it right before it is dialled, unless it was seen in the last minute: addresses are used again (T49). A source that
 * cannot be asked stops nobody: the host key, which is bound to the machine and not to its address, still does.
 * @throws Fault MACHINE_GONE, MACHINE_NOT_RUNNING
 */
export async function lookAgain(parts: FreshLookParts, target: Target, signal: AbortSignal): Promise<FreshLook> {
  const found = await parts.store.now.discovery.findByTarget(target.id);
  if (found === undefined) return { isChanged: false };
  if (found.goneAt !== undefined) throw gone(target);
  const scope = await scopeOf(parts, found);
  if (parts.clock.now() - seenAt(found, scope) <= FRESH_MS) return compared(parts, target);
  const answer = await ask(parts, { found, scope }, signal);
  signal.throwIfAborted();
  if (typeof answer === 'string') return { note: `not looked at again: ${answer}`, ...(await compared(parts, target)) };
  if (answer.sighting === undefined || answer.sighting.facts.state === 'terminated') throw gone(target);
  if (answer.sighting.facts.state === 'stopped')
    throw new Fault('MACHINE_NOT_RUNNING', `${target.name} was stopped where it was found`);
  return compared(parts, target);
}

/** INVARIANT: compared with what the caller holds, which may be older than the last sighting, by moments or, of files beside a session, by hours. */
async function compared({ store }: FreshLookParts, target: Target): Promise<FreshLook> {
  const now = await store.now.catalog.findTarget(target.id);
  if (now === undefined || now.goneAt !== undefined) throw gone(target);
  if (now.host === target.host) return { isChanged: now.version !== target.version };
  return { isChanged: true, note: `looked at again: its address is ${now.host} and no longer ${target.host}` };
}

/** From memory where that can be: many people open machines at once, and a source may have a thousand scopes. */
async function scopeOf({ store, runnerOf }: FreshLookParts, found: FoundMachine): Promise<ScopeRecord | undefined> {
  const isOf = ({ account, region }: ScopeRecord): boolean =>
    account === found.scope.account && region === found.scope.region;
  return (
    runnerOf(found.sourceId)?.scopes.find(isOf) ?? (await store.now.discovery.listScopes(found.sourceId)).find(isOf)
  );
}

/** A listing that is complete saw whatever it does not miss; it writes nothing where nothing changed. */
function seenAt({ observedAt, missingSince }: FoundMachine, scope: ScopeRecord | undefined): number {
  return missingSince === undefined ? Math.max(observedAt, scope?.lastSweepAt ?? 0) : observedAt;
}

/** What the source says, or why it says nothing. */
async function ask(
  { clock, runnerOf }: FreshLookParts,
  { found, scope }: { readonly found: FoundMachine; readonly scope: ScopeRecord | undefined },
  signal: AbortSignal,
): Promise<{ readonly sighting: Sighting | undefined } | string> {
  const runner = runnerOf(found.sourceId);
  if (runner === undefined || scope === undefined) return 'its source is switched off here';
  if (scope.retiredAt !== undefined) return 'its account is no longer one of the source';
  const waited = Promise.withResolvers<string>();
  const leave = (): void => {
    waited.resolve('the session ended');
  };
  using _timer = clock.after(ANSWER_MS, () => {
    waited.resolve('its source did not answer in time');
  });
  signal.addEventListener('abort', leave);
  const asked = runner.look(scope, found.nativeId).then(
    (sighting) => ({ sighting }),
    (failure: unknown) => {
      const { code, message } = toFault(failure);
      return `${code}: ${message}`.slice(0, 500);
    },
  );
  try {
    return await Promise.race([asked, waited.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

function gone({ name }: Target): Fault {
  return new Fault('MACHINE_GONE', `${name} is no more where it was found; another machine may have its address`);
}
