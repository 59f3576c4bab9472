import { recur } from '../time/index.ts';
import { endForAbsentNode } from './lost-session.ts';
import type { SessionKeeping } from './lost-session.ts';

export interface NodeLeaseParts extends SessionKeeping {
  /** Where the other nodes reach this one. */
  readonly url: string;
  readonly version: string;
  /** The key-encryption keys that this node opens. */
  readonly keyIds?: readonly string[];
  /** The others gave this node up: ends all it holds. */
  readonly giveUp: () => Promise<void>;
  readonly report: (message: string, cause: unknown) => void;
}

const BEAT_MS = 3_000;
/** By the database's clock, so that nobody's wrong clock buries the living. */
const LEASE_MS = 10_000;
/** A longer pause between two signs of one's own means that the others may have been kept from theirs as well. */
const STEADY_MS = BEAT_MS * 1.5;
/** A session whose tickets nobody used in time was never opened; it must not count against its person. */
const UNCLAIMED_MS = 60_000;

/**
 * This node's claim on the sessions it holds: a sign of life every three seconds. A node that was silent for longer than the lease is declared lost by one of
 * the others, which ends its sessions in the database and thereby frees their places. A node that was merely slow finds that out with its next sign of life,
 * ends what it still holds and joins again.
 * INVARIANT: a node judges others only after a whole lease of signs of its own, so that an outage of the database, which silences all, costs nobody a session.
 */
export class NodeLease implements AsyncDisposable {
  readonly #parts: NodeLeaseParts;
  readonly #startedAt: number;
  #beats: Disposable | undefined;
  #lastBeatMs = 0;
  #steadySinceMs = 0;
  #isMember = false;
  #turning: Promise<void> | undefined;

  constructor(parts: NodeLeaseParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
  }

  /** True while the others may rely on this node. */
  get held(): boolean {
    return this.#isMember && this.#parts.clock.monotonicMs() - this.#lastBeatMs < LEASE_MS;
  }

  /** Whether `held`, after a sign of life where the last one is too old: a process that slept, or had no time, says at once that it lives. */
  async hold(): Promise<boolean> {
    // What the sign failed of is reported by the next regular one.
    if (!this.held && this.#beats !== undefined) await this.#turn().catch(() => undefined);
    return this.held;
  }

  async join(): Promise<void> {
    const { store, clock, report } = this.#parts;
    await store.now.nodes.join(this.#node);
    this.#joined();
    this.#beats = recur(clock, {
      periodMs: BEAT_MS,
      work: () => this.#turn(),
      failed: (cause) => {
        report('the heartbeat failed', cause);
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#beats?.[Symbol.dispose]();
    this.#beats = undefined;
    await this.#turning?.catch(() => undefined);
    this.#isMember = false;
    // Where it fails, the others find the node silent and nothing left to end.
    await this.#parts.store.now.nodes.delete(this.#parts.nodeId).catch(() => undefined);
  }

  get #node() {
    const { nodeId, url, version, keyIds } = this.#parts;
    return { id: nodeId, url, version, startedAt: this.#startedAt, ...(keyIds === undefined ? {} : { keyIds }) };
  }

  /** One at a time, whoever asks for it. */
  #turn(): Promise<void> {
    return (this.#turning ??= this.#sign().finally(() => (this.#turning = undefined)));
  }

  async #sign(): Promise<void> {
    const { store, nodeId, clock } = this.#parts;
    if (!this.#isMember) return this.#rejoin();
    if (!(await store.urgent.nodes.beat(nodeId, this.#startedAt))) {
      this.#isMember = false;
      this.#parts.report('the other nodes gave this node up: it ends the sessions it holds', undefined);
      await this.#parts.giveUp();
      return this.#rejoin();
    }
    const now = clock.monotonicMs();
    if (now - this.#lastBeatMs >= STEADY_MS) this.#steadySinceMs = now;
    this.#lastBeatMs = now;
    if (now - this.#steadySinceMs >= LEASE_MS) await this.#buryTheLost();
  }

  async #rejoin(): Promise<void> {
    const { store, nodeId } = this.#parts;
    if (await store.urgent.nodes.joinIfAbsent(this.#node)) this.#joined();
    else throw new Error(`another process runs under the name of this node, ${nodeId}`);
  }

  #joined(): void {
    this.#lastBeatMs = this.#parts.clock.monotonicMs();
    this.#steadySinceMs = this.#lastBeatMs;
    this.#isMember = true;
  }

  async #buryTheLost(): Promise<void> {
    const { store, nodeId, audit, clock } = this.#parts;
    for (const node of await store.urgent.nodes.declareLost(LEASE_MS)) {
      await audit.append({
        action: 'node.lost',
        actor: { kind: 'system', name: nodeId },
        object: { kind: 'node', id: node.id },
        outcome: 'failure',
        detail: { lastSeenAt: node.heartbeatAt },
      });
    }
    // By what the database says and not by who was just declared lost: a survivor that died in the middle leaves the rest to the next.
    for (const record of await store.now.sessions.listLiveOfLostNodes())
      await endForAbsentNode(this.#parts, record, 'node-lost');
    for (const record of await store.now.sessions.listUnclaimed(clock.now() - UNCLAIMED_MS))
      await endForAbsentNode(this.#parts, record, 'grace-expired');
  }
}
