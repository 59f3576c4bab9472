import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import type { Delivery, HintQueue } from '@enchilada/core/discovery';
import type { Clock } from '@enchilada/core/time';
import { toDiscoveryFault } from './aws-fault.ts';
import { readEvent } from './event.ts';

const AT_ONCE = 10;
const LONG_POLL_SECONDS = 20;
const VISIBILITY_SECONDS = 30;
/** SQS holds a message back for twelve hours at most. */
const MOST_SECONDS = 43_200;

export interface SqsHintsParts {
  readonly client: SQSClient;
  readonly commands: typeof import('@aws-sdk/client-sqs');
  readonly queueUrl: string;
  readonly clock: Clock;
}

/** An SQS queue that EventBridge fills: long poll, heartbeat at a third of the visibility, acknowledged in batches. */
export function sqsHints(parts: SqsHintsParts): HintQueue {
  const { client, commands, queueUrl, clock } = parts;
  const call = { permission: 'sqs:ReceiveMessage', account: 'of the queue' };
  const held = new Map<string, string>();
  const beat = clock.every((VISIBILITY_SECONDS * 1_000) / 3, () => {
    for (const batch of inTens([...held])) {
      const Entries = batch.map(([Id, ReceiptHandle]) => ({
        Id,
        ReceiptHandle,
        VisibilityTimeout: VISIBILITY_SECONDS,
      }));
      // A message that could not be held comes again: harmless, since every hint may come twice.
      client
        .send(new commands.ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries }))
        .catch(() => undefined);
    }
  });
  const deletions = new Deletions(parts);
  return {
    async receive(signal) {
      const input = {
        QueueUrl: queueUrl,
        MaxNumberOfMessages: AT_ONCE,
        WaitTimeSeconds: LONG_POLL_SECONDS,
        VisibilityTimeout: VISIBILITY_SECONDS,
        MessageSystemAttributeNames: ['ApproximateReceiveCount' as const],
      };
      const { Messages = [] } = await client
        .send(new commands.ReceiveMessageCommand(input), { abortSignal: signal })
        .catch((cause: unknown) => {
          signal.throwIfAborted();
          throw toDiscoveryFault(cause, call);
        });
      return Messages.map((message) => deliveryOf(message));
    },
    async [Symbol.asyncDispose]() {
      beat[Symbol.dispose]();
      await deletions.flushed();
    },
  };

  function deliveryOf({ MessageId = '', ReceiptHandle = '', Body = '', Attributes = {} }: Message): Delivery {
    held.set(MessageId, ReceiptHandle);
    return {
      ...readEvent(Body),
      attempt: Math.max(1, Number(Attributes.ApproximateReceiveCount ?? 1)),
      acknowledge() {
        held.delete(MessageId);
        return deletions.add(MessageId, ReceiptHandle);
      },
      async retry(afterMs) {
        held.delete(MessageId);
        const VisibilityTimeout = Math.min(MOST_SECONDS, Math.ceil(afterMs / 1_000));
        await client.send(
          new commands.ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout }),
        );
      },
    };
  }
}

function inTens<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / AT_ONCE) }, (_, index) =>
    all.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
  );
}

/** Deletes in tens: what is added in one turn of the event loop goes together. */
class Deletions {
  readonly #parts: SqsHintsParts;
  #pending: [string, string][] = [];
  #flush: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: SqsHintsParts) {
    this.#parts = parts;
  }

  add(id: string, handle: string): Promise<void> {
    this.#pending.push([id, handle]);
    this.#flush ??= Promise.resolve().then(() => this.#send());
    return this.#flush;
  }

  async flushed(): Promise<void> {
    await this.#last.catch(() => undefined);
  }

  async #send(): Promise<void> {
    await Promise.resolve();
    const pending = this.#pending;
    this.#pending = [];
    this.#flush = undefined;
    const { client, commands, queueUrl } = this.#parts;
    const sent = Promise.all(
      inTens(pending).map(async (batch) => {
        const Entries = batch.map(([Id, ReceiptHandle]) => ({ Id, ReceiptHandle }));
        const { Failed = [] } = await client.send(
          new commands.DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }),
        );
        const [failed] = Failed;
        if (failed !== undefined) throw new Error(`SQS did not delete ${Failed.length} messages: ${failed.Code ?? ''}`);
      }),
    );
    this.#last = sent;
    await sent;
  }
}
