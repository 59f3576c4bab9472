import type { FoundMachine, ScopeRecord, Sighting } from '@enchilada/core/discovery';
import { Fault, toFault } from '@enchilada/core/fault';
import type { FreshLook } from '@enchilada/core/session';
import type { Store } from '@enchilada/core/store';
import type { Target } from '@enchilada/core/target';
import type { Clock } from '@enchilada/core/time';

/** For so long what was seen of a machine is believed without another look. */
const FRESH_MS = 60_000;
/** Whoever opens a machine waits no longer for the source's answer. */
const ANSWER_MS = 5_000;

export interface FreshLookParts {
  readonly store: Store;
  readonly clock: Clock;
  /** Undefined where the source is switched off here. */
  readonly runnerOf: (sourceId: string) => Looker | undefined;
}

interface Looker {
  look(scope: ScopeRecord, nativeId: string, signal: AbortSignal): Promise<Sighting | undefined>;
}

/**
 * Asks a machine's source about it right before it is dialled, unless it was seen in the last minute: addresses are used again (T49). A source that
 * cannot be asked stops nobody: the host key, which is bound to the machine and not to its address, still does.
 * @throws Fault MACHINE_GONE, MACHINE_NOT_RUNNING
 */
export async function lookAgain(parts: FreshLookParts, target: Target, signal: AbortSignal): Promise<FreshLook> {
  const { discovery, catalog } = parts.store.now;
  const found = await discovery.findByTarget(target.id);
  if (found === undefined) return { isChanged: false };
  if (found.goneAt !== undefined) throw gone(target);
  const scope = (await discovery.listScopes(found.sourceId)).find(
    ({ account, region }) => account === found.scope.account && region === found.scope.region,
  );
  if (parts.clock.now() - seenAt(found, scope) <= FRESH_MS) return { isChanged: false };
  const answer = await ask(parts, { found, scope }, signal);
  if (typeof answer === 'string') return { isChanged: false, note: `not looked at again: ${answer}` };
  if (answer.sighting === undefined || answer.sighting.facts.state === 'terminated') throw gone(target);
  if (answer.sighting.facts.state === 'stopped')
    throw new Fault('MACHINE_NOT_RUNNING', `${target.name} was stopped where it was found`);
  const now = await catalog.findTarget(target.id);
  if (now === undefined || now.goneAt !== undefined) throw gone(target);
  if (now.host === target.host) return { isChanged: now.version !== target.version };
  return { isChanged: true, note: `looked at again: its address is ${now.host} and no longer ${target.host}` };
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
  const late = new AbortController();
  const waited = Promise.withResolvers<string>();
  using _timer = clock.after(ANSWER_MS, () => {
    late.abort(new Error('the source did not answer in time'));
    waited.resolve('its source did not answer in time');
  });
  const asked = runner.look(scope, found.nativeId, AbortSignal.any([signal, late.signal])).then(
    (sighting) => ({ sighting }),
    (failure: unknown) => {
      const { code, message } = toFault(failure);
      return `${code}: ${message}`.slice(0, 500);
    },
  );
  // A source that does not heed the signal is waited for no longer either; the timer lasts as long as this does.
  return await Promise.race([asked, waited.promise]);
}

function gone({ name }: Target): Fault {
  return new Fault('MACHINE_GONE', `${name} is no more where it was found; another machine may have its address`);
}
