import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** Stands in front of a queue's server and refuses calls as SQS does where a policy denies them; all others pass. */
export class QueueDoor implements AsyncDisposable {
  /** Names of calls that are refused. */
  readonly refused = new Set<string>();
  /** Batches of these names are passed without their first entry, which is answered as failed. */
  readonly halfDone = new Set<string>();
  /** Of calls, in order. */
  readonly calls: string[] = [];
  readonly #behind: URL;
  readonly #server: Server;

  private constructor(behind: URL) {
    this.#behind = behind;
    this.#server = createServer((request, response) => {
      this.#pass(request, response);
    });
  }

  /** @param queueUrl of the queue behind it */
  static async before(queueUrl: string): Promise<QueueDoor> {
    const door = new QueueDoor(new URL(queueUrl));
    await new Promise<void>((resolve) => door.#server.listen(0, '127.0.0.1', resolve));
    return door;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#behind.pathname}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const call = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    this.calls.push(call);
    if (this.refused.has(call)) {
      request.resume();
      const message = `User: arn:aws:sts::999999999999:assumed-role/enchilada-node is not authorized to perform: sqs:${call.toLowerCase()} on resource`;
      response.writeHead(403, {
        'content-type': 'application/x-amz-json-1.0',
        'x-amzn-query-error': 'AccessDenied;Sender',
      });
      response.end(JSON.stringify({ __type: 'com.amazon.coral.service#AccessDeniedException', message }));
      return;
    }
    if (this.halfDone.has(call)) {
      this.#passWithoutFirst(request, response).catch(() => response.destroy());
      return;
    }
    const { hostname, port } = this.#behind;
    const { url: path, method, headers } = request;
    const onward = forward({ hostname, port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  /** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html */
  async #passWithoutFirst(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { Entries, ...rest } = (await json(request)) as { readonly Entries: readonly { readonly Id: string }[] };
    const [first, ...others] = Entries;
    const named = ['x-amz-target', 'content-type', 'authorization', 'x-amz-date'];
    const headers = Object.fromEntries(named.map((name) => [name, String(request.headers[name])]));
    const body = JSON.stringify({ ...rest, Entries: others });
    const pass = () => fetch(new URL(request.url ?? '/', this.#behind), { method: 'POST', headers, body });
    const done = others.length === 0 ? { Successful: [] } : ((await (await pass()).json()) as object);
    const Failed = [{ Id: first?.Id, Code: 'InternalError', SenderFault: false }];
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify({ ...done, Failed }));
  }
}
