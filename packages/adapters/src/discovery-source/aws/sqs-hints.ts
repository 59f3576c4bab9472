import type {
  ChangeMessageVisibilityBatchRequestEntry,
  DeleteMessageBatchRequestEntry,
  Message,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { Delivery, HintQueue } from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { toDiscoveryFault } from './aws-fault.ts';
import { readEvent } from './event.ts';

const AT_ONCE = 10;
const LONG_POLL_SECONDS = 20;
const VISIBILITY_SECONDS = 30;
const ENDS_WITHIN_MS = 50;
/** SQS holds a message back for twelve hours at most. */
const MOST_SECONDS = 43_200;

export interface SqsHintsParts {
  readonly client: SQSClient;
  readonly commands: typeof import('@aws-sdk/client-sqs');
  readonly queueUrl: string;
  readonly clock: Clock;
}

/** An SQS queue that EventBridge fills: long poll, heartbeat at a third of the visibility, ended in batches. */
export function sqsHints(parts: SqsHintsParts): HintQueue {
  const { client, commands, queueUrl, clock } = parts;
  const account = /\/(\d{12})\//u.exec(queueUrl)?.[1] ?? 'of the queue';
  const refused =
    (permission: string) =>
    (cause: unknown): never => {
      throw toDiscoveryFault(cause, { permission, account });
    };
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
  const deletions = new Endings<DeleteMessageBatchRequestEntry>(clock, (Entries) =>
    client
      .send(new commands.DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }))
      .catch(refused('sqs:DeleteMessage')),
  );
  const returns = new Endings<ChangeMessageVisibilityBatchRequestEntry>(clock, (Entries) =>
    client
      .send(new commands.ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries }))
      .catch(refused('sqs:ChangeMessageVisibility')),
  );
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
          throw toDiscoveryFault(cause, { permission: 'sqs:ReceiveMessage', account });
        });
      return Messages.map((message) => deliveryOf(message));
    },
    async [Symbol.asyncDispose]() {
      beat[Symbol.dispose]();
      await Promise.all([deletions.flushed(), returns.flushed()]);
    },
  };

  function deliveryOf({ MessageId = '', ReceiptHandle = '', Body = '', Attributes = {} }: Message): Delivery {
    held.set(MessageId, ReceiptHandle);
    return {
      ...readEvent(Body),
      attempt: Math.max(1, Number(Attributes.ApproximateReceiveCount ?? 1)),
      acknowledge() {
        held.delete(MessageId);
        return deletions.add({ Id: MessageId, ReceiptHandle });
      },
      retry(afterMs) {
        held.delete(MessageId);
        const VisibilityTimeout = Math.min(MOST_SECONDS, Math.ceil(afterMs / 1_000));
        return returns.add({ Id: MessageId, ReceiptHandle, VisibilityTimeout });
      },
    };
  }
}

function inTens<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / AT_ONCE) }, (_, index) =>
    all.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
  );
}

interface BatchAnswer {
  readonly Failed?: readonly { readonly Id?: string | undefined; readonly Code?: string | undefined }[] | undefined;
}

interface Ending<Entry> {
  readonly entry: Entry;
  readonly ended: PromiseWithResolvers<void>;
}

/** Ends messages in tens: ten go at once, fewer wait a little for others. One that cannot be ended fails alone, and comes again. */
class Endings<Entry extends { readonly Id: string | undefined }> {
  readonly #clock: Clock;
  readonly #send: (entries: Entry[]) => Promise<BatchAnswer>;
  readonly #underWay = new Set<Promise<void>>();
  #next: { readonly endings: Ending<Entry>[]; readonly timer: Disposable } | undefined;

  constructor(clock: Clock, send: (entries: Entry[]) => Promise<BatchAnswer>) {
    this.#clock = clock;
    this.#send = send;
  }

  add(entry: Entry): Promise<void> {
    const ended = Promise.withResolvers<void>();
    const next = (this.#next ??= {
      endings: [],
      timer: this.#clock.after(ENDS_WITHIN_MS, () => {
        this.#flush();
      }),
    });
    next.endings.push({ entry, ended });
    if (next.endings.length === AT_ONCE) this.#flush();
    return ended.promise;
  }

  async flushed(): Promise<void> {
    this.#flush();
    await Promise.all(this.#underWay);
  }

  #flush(): void {
    const next = this.#next;
    if (next === undefined) return;
    this.#next = undefined;
    next.timer[Symbol.dispose]();
    const under = this.#end(next.endings).finally(() => {
      this.#underWay.delete(under);
    });
    this.#underWay.add(under);
  }

  /** INVARIANT: never throws; who ended a message hears of it. */
  async #end(endings: readonly Ending<Entry>[]): Promise<void> {
    try {
      const { Failed = [] } = await this.#send(endings.map(({ entry }) => entry));
      const codes = new Map(Failed.map(({ Id, Code }) => [Id, Code]));
      for (const { entry, ended } of endings)
        if (codes.has(entry.Id))
          ended.reject(
            new Fault('DISCOVERY_FAILED', `SQS did not end a message: ${codes.get(entry.Id) ?? 'no reason'}`),
          );
        else ended.resolve();
    } catch (failure) {
      for (const { ended } of endings) ended.reject(failure);
    }
  }
}
