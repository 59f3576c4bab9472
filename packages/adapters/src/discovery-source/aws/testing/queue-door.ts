import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { Door } from '../../shared/testing/door.ts';

/** Stands in front of a queue's server and refuses calls, by their names, as SQS does where a policy denies them. */
export class QueueDoor extends Door<string> {
  /** Batches of these names are passed without their first entry, which is answered as failed. */
  readonly halfDone = new Set<string>();

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
    if (this.halfDone.has(call)) this.#passWithoutFirst(request, response).catch(() => response.destroy());
    else super.pass(request, response, call);
  }

  /** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html */
  async #passWithoutFirst(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { Entries, ...rest } = (await json(request)) as { readonly Entries: readonly { readonly Id: string }[] };
    const [first, ...others] = Entries;
    const named = ['x-amz-target', 'content-type', 'authorization', 'x-amz-date'];
    const headers = Object.fromEntries(named.map((name) => [name, String(request.headers[name])]));
    const body = JSON.stringify({ ...rest, Entries: others });
    const pass = () => fetch(new URL(request.url ?? '/', this.behind), { method: 'POST', headers, body });
    const done = others.length === 0 ? { Successful: [] } : ((await (await pass()).json()) as object);
    const Failed = [{ Id: first?.Id, Code: 'InternalError', SenderFault: false }];
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify({ ...done, Failed }));
  }
}
