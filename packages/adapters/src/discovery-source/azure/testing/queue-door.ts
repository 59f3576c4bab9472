import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as forward } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';

export type QueueCall = 'receive' | 'update' | 'delete' | 'send';
const CALLS: Readonly<Record<string, QueueCall>> = { GET: 'receive', PUT: 'update', DELETE: 'delete', POST: 'send' };

/** Stands in front of Azurite and refuses calls as a storage account does to an identity that lacks the data action; all others pass. */
export class QueueDoor implements AsyncDisposable {
  readonly refused = new Set<QueueCall>();
  /** In order. */
  readonly calls: QueueCall[] = [];
  readonly #behind: URL;
  readonly #server;

  private constructor(behind: URL, { cert, key }: LoopbackCertificate) {
    this.#behind = behind;
    this.#server = createServer({ cert, key }, (request, response) => {
      this.#pass(request, response);
    });
  }

  /** @param queueUrl of the queue behind it; the certificate is trusted by this process */
  static async before(queueUrl: string, certificate: LoopbackCertificate): Promise<QueueDoor> {
    const door = new QueueDoor(new URL(queueUrl), certificate);
    await new Promise<void>((resolve) => door.#server.listen(0, '127.0.0.1', resolve));
    return door;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#behind.pathname}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const call = CALLS[request.method ?? ''];
    if (call !== undefined) this.calls.push(call);
    if (call !== undefined && this.refused.has(call)) {
      request.resume();
      const [code, message] = [
        'AuthorizationPermissionMismatch',
        'This request is not authorized to perform this operation using this permission.',
      ];
      response.writeHead(403, { 'content-type': 'application/xml', 'x-ms-error-code': code });
      response.end(
        `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
      );
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
}
