import {
  createServer,
  type IncomingMessage,
  request as forward,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, request as forwardTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';

/** Stands in front of the server of a queue, hears which calls come, and refuses those that it is told to; all others pass. */
export abstract class Door<Call extends string> implements AsyncDisposable {
  readonly refused = new Set<Call>();
  /** In order. */
  readonly calls: Call[] = [];
  protected readonly behind: URL;
  readonly #server: Server;

  /** @param certificate trusted by this process; absent where the server behind speaks plainly */
  protected constructor(behind: URL, certificate?: LoopbackCertificate) {
    this.behind = behind;
    const listener: RequestListener = (request, response) => {
      this.#hear(request, response);
    };
    this.#server =
      certificate === undefined
        ? createServer(listener)
        : createTlsServer({ cert: certificate.cert, key: certificate.key }, listener);
  }

  protected listening(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${this.behind.protocol}//127.0.0.1:${port}${this.behind.pathname}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Undefined for what has no name there. */
  protected abstract callOf(request: IncomingMessage): Call | undefined;

  /** Answers as the cloud does to whoever may not make the call. */
  protected abstract refuse(call: Call, response: ServerResponse): void;

  protected pass(request: IncomingMessage, response: ServerResponse, _call: Call | undefined): void {
    const { protocol, hostname, port } = this.behind;
    const { url: path, method, headers } = request;
    const send = protocol === 'https:' ? forwardTls : forward;
    const onward = send({ hostname, port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  #hear(request: IncomingMessage, response: ServerResponse): void {
    const call = this.callOf(request);
    if (call !== undefined) this.calls.push(call);
    if (call === undefined || !this.refused.has(call)) {
      this.pass(request, response, call);
      return;
    }
    request.resume();
    this.refuse(call, response);
  }
}
