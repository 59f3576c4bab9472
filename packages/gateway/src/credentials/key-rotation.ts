import { Fault } from '@enchilada/core/fault';
import { type Store, WRAPPED_KINDS, type WrappedKind, type WrappedRow } from '@enchilada/core/store';
import type { Clock } from '@enchilada/core/time';
import { seedContext } from '../auth/second-factors.ts';
import { endpointSecretContext } from '../notifications/courier.ts';
import { providerSecretContext } from '../providers/provider-registry.ts';
import type { KeyRing } from './key-ring.ts';
import { storeSecretContext } from './secret-stores.ts';

const PAGE = 64;
const AT_ONCE = 8;
/** A request answers within this and some seconds; whoever asks goes on asking. */
const TURN_MS = 15_000;
const MOST_FAILURES = 20;

export interface KeyRotationParts {
  readonly store: Store;
  readonly keys: KeyRing;
  readonly clock: Clock;
  /** What the vault binds an envelope to. */
  readonly bindingOf: (kind: 'credential' | 'authority-key' | 'personal-key', id: string, version: number) => string;
  readonly report: (message: string, cause: unknown) => void;
}

export interface WrappedCount {
  readonly kind: WrappedKind;
  readonly keyId: string;
  readonly count: number;
}

export interface RotationTurn {
  readonly rewrapped: number;
  readonly failed: number;
  /** Under another key than the one that wraps. */
  readonly remaining: number;
}

/** Brings what is sealed in the database under the key that wraps now. Nothing is closed meanwhile: both keys open, and each row is one or the other. */
export class KeyRotation {
  readonly #parts: KeyRotationParts;
  #turns = 0;

  constructor(parts: KeyRotationParts) {
    this.#parts = parts;
  }

  get keys(): KeyRing {
    return this.#parts.keys;
  }

  /** A turn is under way on this node. */
  get isTurning(): boolean {
    return this.#turns > 0;
  }

  counts(): Promise<readonly WrappedCount[]> {
    return this.#parts.store.now.wrappedKeys.count();
  }

  /** Whatever no configured key opens is said at the start, and not first to somebody who needs it. */
  async reportLost(): Promise<void> {
    const { keys, report } = this.#parts;
    for (const { kind, keyId, count } of await this.counts())
      if (!keys.opens.includes(keyId))
        report(`${count} of the kind ${kind} are sealed by the key ${keyId}, which is not configured`, undefined);
  }

  /** Nodes that could not open what is wrapped by the current key. */
  async nodesWithout(): Promise<readonly string[]> {
    const { store, keys } = this.#parts;
    const nodes = await store.now.nodes.list();
    return nodes.filter(({ keyIds }) => keyIds?.includes(keys.keyId) !== true).map(({ id }) => id);
  }

  /** As much as fits into a request. @throws Fault CONFLICT while a node lacks the current key */
  async turn(): Promise<RotationTurn> {
    this.#turns += 1;
    try {
      return await this.#turn();
    } finally {
      this.#turns -= 1;
    }
  }

  async #turn(): Promise<RotationTurn> {
    const { store, keys, clock } = this.#parts;
    const lacking = await this.nodesWithout();
    if (lacking.length > 0)
      throw new Fault('CONFLICT', `the current key is not configured on ${lacking.join(', ')}: restart with it first`, {
        facts: { nodes: lacking.join(', ') },
      });
    const keyIds = keys.opens.filter((id) => id !== keys.keyId);
    const until = clock.monotonicMs() + TURN_MS;
    let rewrapped = 0;
    let failed = 0;
    for (const kind of WRAPPED_KINDS)
      for (let after = ''; ;) {
        const rows = await store.now.wrappedKeys.list(kind, { keyIds, after, limit: PAGE });
        for (let at = 0; at < rows.length; at += AT_ONCE) {
          // Before each few: a service that does not answer costs its whole limit each time.
          if (clock.monotonicMs() >= until || failed >= MOST_FAILURES) return this.#summary(rewrapped, failed);
          const done = await Promise.all(rows.slice(at, at + AT_ONCE).map((row) => this.#rewrap(row)));
          rewrapped += done.filter((outcome) => outcome === 'done').length;
          failed += done.filter((outcome) => outcome === 'failed').length;
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < PAGE) break;
        after = last.id;
      }
    return this.#summary(rewrapped, failed);
  }

  async #summary(rewrapped: number, failed: number): Promise<RotationTurn> {
    const others = (await this.counts()).filter(({ keyId }) => keyId !== this.#parts.keys.keyId);
    return { rewrapped, failed, remaining: others.reduce((sum, { count }) => sum + count, 0) };
  }

  async #rewrap(row: WrappedRow): Promise<'done' | 'moved-on' | 'failed'> {
    const { store, keys, report } = this.#parts;
    try {
      const context = this.#contextOf(row);
      using key = await keys.unwrap(row.wrapped, context);
      return (await store.now.wrappedKeys.replace(row, await keys.wrap(key, context))) ? 'done' : 'moved-on';
    } catch (cause) {
      report(`${row.kind} ${row.id} could not be wrapped anew`, cause);
      return 'failed';
    }
  }

  #contextOf({ kind, id, userId = '', version = 1 }: WrappedRow): string {
    switch (kind) {
      case 'credential':
      case 'authority-key':
      case 'personal-key':
        return this.#parts.bindingOf(kind, id, version);
      case 'secret-store':
        return storeSecretContext(id);
      case 'identity-provider':
        return providerSecretContext(id);
      case 'notification-endpoint':
        return endpointSecretContext(id);
      case 'second-factor':
        return seedContext(id, userId);
    }
  }
}
