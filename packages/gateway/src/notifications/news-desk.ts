import type { Notification } from '@enchilada/core/notification';
import type { StoreTransaction } from '@enchilada/core/store';
import { type Clock, randomId, type RandomSource } from '@enchilada/core/time';

/** A notification before it has an id and an address. */
export interface News extends Omit<Notification, 'id' | 'link'> {
  /** Below the public address. */
  readonly path: string;
}

export interface NewsDeskParts {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly publicUrl: () => string;
  /** There is something to deliver. */
  readonly wake: () => void;
}

/** Puts news into the outbox, one entry for each endpoint, in the transaction of what they are about. */
export class NewsDesk {
  readonly #parts: NewsDeskParts;

  constructor(parts: NewsDeskParts) {
    this.#parts = parts;
  }

  async queue(tx: Pick<StoreTransaction, 'notifications'>, { path, ...news }: News): Promise<void> {
    const { random, publicUrl, clock } = this.#parts;
    const endpoints = (await tx.notifications.listEndpoints()).filter(({ enabled }) => enabled);
    const notification: Notification = { ...news, id: `ntf_${randomId(random)}`, link: `${publicUrl()}${path}` };
    await tx.notifications.queue(
      endpoints.map(({ id }) => ({
        id: `nte_${randomId(random)}`,
        endpointId: id,
        notification,
        attempts: 0,
        // What cannot wait goes before everything that does.
        nextAt: news.loud ? 0 : clock.now(),
      })),
    );
  }

  wake(): void {
    this.#parts.wake();
  }
}
