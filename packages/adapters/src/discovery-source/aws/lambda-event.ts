import type { Delivery } from '@enchilada/core/discovery';
import { readEvent } from './event.ts';

/** What Lambda hands over of an SQS queue. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
export interface SqsEvent {
  readonly Records: readonly {
    readonly messageId: string;
    readonly body: string;
    readonly attributes?: Readonly<Record<string, string | undefined>>;
  }[];
}

/** With `ReportBatchItemFailures` in the event source mapping, only these come again. */
export interface SqsBatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/**
 * The messages of one invocation. INVARIANT: `failures` names messages of this batch and no other: an unknown or empty id would bring the whole batch again.
 */
export function lambdaDeliveries({ Records }: SqsEvent): {
  readonly deliveries: readonly Delivery[];
  readonly response: () => SqsBatchResponse;
} {
  const open = new Set(Records.map(({ messageId }) => messageId));
  const deliveries = Records.map(({ messageId, body, attributes }): Delivery => ({
    ...readEvent(body),
    attempt: Math.max(1, Number(attributes?.['ApproximateReceiveCount'] ?? 1)),
    acknowledge() {
      open.delete(messageId);
      return Promise.resolve();
    },
    // The queue's visibility timeout is the pause: Lambda knows no other.
    retry: () => Promise.resolve(),
  }));
  return {
    deliveries,
    response: () => ({ batchItemFailures: [...open].map((itemIdentifier) => ({ itemIdentifier })) }),
  };
}
