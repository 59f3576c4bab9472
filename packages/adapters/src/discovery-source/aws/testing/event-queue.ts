import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { startFauxqs } from 'fauxqs';

const REGION = 'eu-west-1';
const MOST_RECEIVES = 5;
const AT_ONCE = 10;
const LARGEST_BATCH = 1_048_576;

/** A queue with a dead-letter queue on fauxqs, an SQS server on loopback. EventBridge is simulated: its envelopes are put here. */
export class EventQueue implements AsyncDisposable {
  readonly url: string;
  readonly #deadUrl: string;
  readonly #client: SQSClient;
  readonly #stop: () => Promise<void>;

  private constructor(parts: {
    readonly url: string;
    readonly deadUrl: string;
    readonly client: SQSClient;
    readonly stop: () => Promise<void>;
  }) {
    this.url = parts.url;
    this.#deadUrl = parts.deadUrl;
    this.#client = parts.client;
    this.#stop = parts.stop;
  }

  static async start(): Promise<EventQueue> {
    const server = await startFauxqs({ port: 0, logger: false });
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const client = new SQSClient({ endpoint: server.address, region: REGION, credentials });
    // The name in fauxqs' URLs resolves nowhere but in browsers.
    const urlOf = (made: { readonly QueueUrl?: string | undefined }): string =>
      `${server.address}${new URL(made.QueueUrl ?? '').pathname}`;
    const deadUrl = urlOf(await client.send(new CreateQueueCommand({ QueueName: 'events-dead' })));
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: deadUrl, AttributeNames: ['QueueArn'] }),
    );
    const RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: Attributes['QueueArn'],
      maxReceiveCount: MOST_RECEIVES,
    });
    const url = urlOf(
      await client.send(new CreateQueueCommand({ QueueName: 'events', Attributes: { RedrivePolicy } })),
    );
    return new EventQueue({ url, deadUrl, client, stop: () => server.stop() });
  }

  async send(...bodies: readonly string[]): Promise<void> {
    const batches: string[][] = [];
    let length = Infinity;
    for (const body of bodies) {
      length += body.length;
      const last = batches.at(-1);
      if (last === undefined || last.length === AT_ONCE || length > LARGEST_BATCH) {
        batches.push([body]);
        length = body.length;
      } else last.push(body);
    }
    for (const batch of batches) {
      const Entries = batch.map((MessageBody, index) => ({ Id: `m${index}`, MessageBody }));
      await this.#client.send(new SendMessageBatchCommand({ QueueUrl: this.url, Entries }));
    }
  }

  /** Messages that were not deleted: those nobody holds, and those that somebody received. */
  async depth(): Promise<{ readonly waiting: number; readonly held: number }> {
    const AttributeNames = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesNotVisible' as const];
    const { Attributes = {} } = await this.#client.send(
      new GetQueueAttributesCommand({ QueueUrl: this.url, AttributeNames }),
    );
    const [waiting = 0, held = 0] = AttributeNames.map((name) => Number(Attributes[name]));
    return { waiting, held };
  }

  /** Takes what lies in the dead-letter queue. */
  async dead(): Promise<readonly string[]> {
    const { Messages = [] } = await this.#client.send(
      new ReceiveMessageCommand({ QueueUrl: this.#deadUrl, MaxNumberOfMessages: AT_ONCE }),
    );
    return Messages.map(({ Body = '' }) => Body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
    await this.#stop();
  }
}
