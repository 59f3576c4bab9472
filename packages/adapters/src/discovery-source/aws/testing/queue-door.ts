import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Door } from '../../shared/testing/door.ts';

const ASKS_EVERY_MS = 100;

/** Stands in front of a queue's server and refuses calls, by their names, as SQS does where a policy denies them. */
export class QueueDoor extends Door<string> {
  /** Batches of these names are passed without their first entry, which is answered as failed. */
  readonly halfDone = new Set<string>();
  /**
   * Waits for messages itself, by asking the server again and again. fauxqs 2.4.1 goes on with a long poll whose client is gone, and whatever comes
   * within its 20 s is received by nobody: with clients that are killed every few seconds, that is most of what is sent.
   */
  forgetsTheDead = false;

  /** @param queueUrl of the queue behind it */
  static async before(queueUrl: string): Promise<QueueDoor> {
    const door = new QueueDoor(new URL(queueUrl));
    await door.listening();
    return door;
  }

  protected callOf(request: IncomingMessage): string {
    return String(request.headers['x-amz-target']).split('.')[1] ?? '';
  }

  protected refuse(call: string, response: ServerResponse): void {
    const message = `User: arn:aws:sts::999999999999:assumed-role/enchilada-node is not authorized to perform: sqs:${call.toLowerCase()} on resource`;
    response.writeHead(403, {
      'content-type': 'application/x-amz-json-1.0',
      'x-amzn-query-error': 'AccessDenied;Sender',
    });
    response.end(JSON.stringify({ __type: 'com.amazon.coral.service#AccessDeniedException', message }));
  }

  protected override pass(request: IncomingMessage, response: ServerResponse, call: string): void {
    if (this.forgetsTheDead && call === 'ReceiveMessage') this.#poll(request, response).catch(() => response.destroy());
    else if (this.halfDone.has(call)) this.#passWithoutFirst(request, response).catch(() => response.destroy());
    else super.pass(request, response, call);
  }

  /** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html */
  async #passWithoutFirst(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { Entries, ...rest } = (await json(request)) as { readonly Entries: readonly { readonly Id: string }[] };
    const [first, ...others] = Entries;
    const done = others.length === 0 ? { Successful: [] } : await this.#ask(request, { ...rest, Entries: others });
    const Failed = [{ Id: first?.Id, Code: 'InternalError', SenderFault: false }];
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify({ ...done, Failed }));
  }

  async #poll(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { WaitTimeSeconds = 0, ...rest } = (await json(request)) as { readonly WaitTimeSeconds?: number };
    const end = performance.now() + WaitTimeSeconds * 1_000;
    while (!response.closed) {
      const answer = await this.#ask(request, { ...rest, WaitTimeSeconds: 0 });
      if ((answer.Messages ?? []).length > 0 || performance.now() > end) {
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
        response.end(JSON.stringify(answer));
        return;
      }
      await sleep(ASKS_EVERY_MS);
    }
  }

  async #ask(request: IncomingMessage, input: object): Promise<{ readonly Messages?: readonly unknown[] }> {
    const named = ['x-amz-target', 'content-type', 'authorization', 'x-amz-date'];
    const headers = Object.fromEntries(named.map((name) => [name, String(request.headers[name])]));
    const asked = await fetch(new URL(request.url ?? '/', this.behind), {
      ...{ method: 'POST', headers },
      body: JSON.stringify(input),
    });
    return (await asked.json()) as { readonly Messages?: readonly unknown[] };
  }
}
