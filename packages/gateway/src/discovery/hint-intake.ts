import type { Delivery, HintQueue } from '@enchilada/core/discovery';
import type { Clock } from '@enchilada/core/time';
import { pause, PAUSE_AFTER_FAILURE_MS } from './pause.ts';

/** A lane begins at most once in so long, so that one describe call serves many messages. */
const WINDOW_MS = 500;
/** As many as one describe call takes; with these there is nothing to gather. */
const MOST_AT_ONCE = 200;
const RECEIVERS = 4;
/** Messages that were received and not ended; beyond that no more are received. */
const MOST_OPEN = 2_000;

export interface IntakeParts {
  readonly clock: Clock;
  readonly queue: HintQueue;
  /** Messages of one lane are taken in one batch after the other, those of two side by side. INVARIANT: as few as there are scopes, whatever arrives. */
  readonly laneOf: (delivery: Delivery) => string;
  /** Ends every message of the batch. */
  readonly take: (deliveries: readonly Delivery[]) => Promise<void>;
  /** Hears whether each receiving went well. */
  readonly received: (failure: unknown) => void;
  readonly report: (message: string, cause: unknown) => void;
}

interface Lane {
  readonly waiting: Delivery[];
  beganAt: number;
  running: Promise<void> | undefined;
}

/** Receives what a source's queue brings and takes it in, each scope in a lane of its own: none waits for the answers of another's cloud. */
export class HintIntake implements AsyncDisposable {
  readonly #parts: IntakeParts;
  readonly #stop = new AbortController();
  readonly #lanes = new Map<string, Lane>();
  readonly #receivers: readonly Promise<void>[];
  /** Resolved by the next batch that ends. */
  #room = Promise.withResolvers<void>();
  #open = 0;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#receivers = Array.from({ length: RECEIVERS }, () => this.#receive());
  }

  /** What was received and not taken in becomes visible to other nodes again by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the source was stopped'));
    this.#room.resolve();
    await Promise.all(this.#receivers);
    await Promise.all([...this.#lanes.values()].flatMap(({ running }) => running ?? []));
  }

  async #receive(): Promise<void> {
    const { clock, queue, received, report } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (this.#open >= MOST_OPEN) await this.#room.promise;
        else {
          for (const delivery of await queue.receive(signal)) this.#add(delivery);
          received(undefined);
        }
      } catch (failure) {
        if (signal.aborted) return;
        report('events could not be received', failure);
        received(failure);
        await pause(clock, PAUSE_AFTER_FAILURE_MS, signal);
      }
    }
  }

  #add(delivery: Delivery): void {
    const key = this.#parts.laneOf(delivery);
    const lane = this.#lanes.get(key) ?? { waiting: [], beganAt: -Infinity, running: undefined };
    this.#lanes.set(key, lane);
    lane.waiting.push(delivery);
    this.#open++;
    lane.running ??= this.#run(lane);
  }

  /** INVARIANT: in the turn in which it finds nothing waiting, it is no longer the one that runs, or what arrives in the next would lie there. */
  async #run(lane: Lane): Promise<void> {
    const { clock, take, report } = this.#parts;
    const { signal } = this.#stop;
    while (lane.waiting.length > 0) {
      // Also where there is nothing to wait for: what came in the same answer as the first is added in this turn.
      const restMs = lane.waiting.length < MOST_AT_ONCE ? lane.beganAt + WINDOW_MS - clock.monotonicMs() : 0;
      await pause(clock, restMs, signal);
      if (signal.aborted) break;
      lane.beganAt = clock.monotonicMs();
      const batch = lane.waiting.splice(0, MOST_AT_ONCE);
      try {
        await take(batch);
      } catch (failure) {
        report('events could not be taken in', failure);
      }
      this.#open -= batch.length;
      this.#room.resolve();
      this.#room = Promise.withResolvers<void>();
    }
    lane.running = undefined;
  }
}
