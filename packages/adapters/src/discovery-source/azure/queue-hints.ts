import type { QueueClient, ReceivedMessageItem } from '@azure/storage-queue';
import type { Delivery, HintQueue } from '@enchilada/core/discovery';
import type { Clock } from '@enchilada/core/time';
import { toDiscoveryFault } from './azure-fault.ts';
import { readEvent } from './event.ts';

const AT_ONCE = 32;
const VISIBILITY_SECONDS = 60;
/** A message that is given back so often goes to the poison queue. */
const MOST_RECEIVES = 5;
const MOST_SECONDS = 7 * 24 * 3_600;
const IDLE_FIRST_MS = 250;
const IDLE_MOST_MS = 2_000;

/** https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory#permissions-for-queue-service-operations */
const PROCESS = { permission: 'Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action' };
const WRITE = { permission: 'Microsoft.Storage/storageAccounts/queueServices/queues/messages/write' };
const ADD = { permission: 'Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action' };

export interface QueueHintsParts {
  readonly queue: QueueClient;
  /** Storage queues have no dead-letter queue of their own. */
  readonly poison: QueueClient;
  readonly clock: Clock;
}

/** A storage queue that Event Grid fills. It has no long poll, so an idle one is asked less and less often, down to every two seconds. */
export function queueHints({ queue, poison, clock }: QueueHintsParts): HintQueue {
  const held = new Map<string, ReceivedMessageItem>();
  let idleMs = IDLE_FIRST_MS;
  const beat = clock.every((VISIBILITY_SECONDS * 1_000) / 3, () => {
    for (const message of held.values())
      // A message that could not be held comes again: harmless, since every hint may come twice.
      update(message, VISIBILITY_SECONDS).catch(() => undefined);
  });
  return {
    async receive(signal) {
      const options = { numberOfMessages: AT_ONCE, visibilityTimeout: VISIBILITY_SECONDS, abortSignal: signal };
      const { receivedMessageItems } = await queue.receiveMessages(options).catch((cause: unknown) => {
        signal.throwIfAborted();
        throw toDiscoveryFault(cause, { ...PROCESS, account: queue.url });
      });
      if (receivedMessageItems.length === 0) {
        await pause(clock, idleMs, signal);
        idleMs = Math.min(IDLE_MOST_MS, idleMs * 2);
        return [];
      }
      idleMs = IDLE_FIRST_MS;
      return receivedMessageItems.map(deliveryOf);
    },
    [Symbol.asyncDispose]() {
      beat[Symbol.dispose]();
      return Promise.resolve();
    },
  };

  /** INVARIANT: each change of a message's visibility gives it a new receipt, without which it cannot be deleted. */
  async function update(message: ReceivedMessageItem, seconds: number): Promise<void> {
    const { popReceipt } = await queue
      .updateMessage(message.messageId, message.popReceipt, undefined, seconds)
      .catch(refused(WRITE, queue));
    if (popReceipt !== undefined && held.has(message.messageId))
      held.set(message.messageId, { ...message, popReceipt });
  }

  async function remove(id: string, popReceipt: string): Promise<void> {
    await queue.deleteMessage(id, popReceipt).catch(refused(PROCESS, queue));
  }

  function deliveryOf(message: ReceivedMessageItem): Delivery {
    const { messageId, messageText, dequeueCount } = message;
    held.set(messageId, message);
    const release = (): ReceivedMessageItem => {
      const latest = held.get(messageId) ?? message;
      held.delete(messageId);
      return latest;
    };
    return {
      ...readEvent(messageText),
      attempt: Math.max(1, dequeueCount),
      async acknowledge() {
        await remove(messageId, release().popReceipt);
      },
      async retry(afterMs) {
        const latest = release();
        if (dequeueCount >= MOST_RECEIVES) {
          await poison.sendMessage(messageText, { messageTimeToLive: -1 }).catch(refused(ADD, poison));
          await remove(messageId, latest.popReceipt);
        } else await update(latest, Math.min(MOST_SECONDS, Math.ceil(afterMs / 1_000)));
      },
    };
  }
}

function refused({ permission }: typeof PROCESS, { url }: QueueClient): (cause: unknown) => never {
  return (cause) => {
    throw toDiscoveryFault(cause, { permission, account: url });
  };
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', end);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    };
    const timer = clock.after(ms, end);
    signal.addEventListener('abort', end);
  });
}
