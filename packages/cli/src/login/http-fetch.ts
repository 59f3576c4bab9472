import type { ApiRequest, ApiResponse } from '@enchilada/contract';
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { json as readJson } from 'node:stream/consumers';
import { CommandFailure } from '../frame/exit-code.ts';

const SILENCE_MS = 120_000;

export interface HttpResponse extends ApiResponse {
  readonly setCookie: readonly string[];
  readonly body: Readable;
}

export interface HttpOptions {
  /** PEM text of the authorities to trust instead of the system's. */
  readonly ca?: string;
}

export type HttpFetch = (url: string, request: ApiRequest) => Promise<HttpResponse>;

function responseOf(message: IncomingMessage): HttpResponse {
  return {
    status: message.statusCode ?? 0,
    headers: {
      get: (name) => {
        const value = message.headers[name.toLowerCase()];
        return value === undefined ? null : [value].flat().join(', ');
      },
    },
    setCookie: message.headers['set-cookie'] ?? [],
    body: message,
    json: () => readJson(message),
  };
}

function unreachable(url: string, cause: NodeJS.ErrnoException): CommandFailure {
  const { host } = new URL(url);
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO/u.test(cause.code ?? '');
  const hint = certificate ? '; name its certificate authority with --ca at login' : '';
  return new CommandFailure(
    4,
    `${host} cannot be reached: ${cause.message === '' ? (cause.code ?? 'no reason given') : cause.message}${hint}`,
    { cause },
  );
}

/** The part of the Fetch API that the client needs, with an own certificate authority. Redirects are not followed: a cookie goes to one origin. */
export function httpFetch(options: HttpOptions = {}): HttpFetch {
  return (url, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const send = url.startsWith('https:') ? tlsRequest : plainRequest;
      const length = typeof body === 'string' ? { 'content-length': String(Buffer.byteLength(body)) } : {};
      const parts = {
        method,
        headers: { ...headers, ...length },
        agent: false,
        ...(options.ca === undefined ? {} : { ca: options.ca }),
        ...(signal === undefined ? {} : { signal }),
      };
      const outgoing = send(url, parts, (message) => {
        resolve(responseOf(message));
      });
      outgoing.setTimeout(SILENCE_MS, () => outgoing.destroy(new Error(`no answer for ${SILENCE_MS / 1000} s`)));
      outgoing.on('error', (cause: NodeJS.ErrnoException) => {
        reject(unreachable(url, cause));
      });
      if (body === undefined || typeof body === 'string') outgoing.end(body);
      else Readable.from(body).pipe(outgoing);
    });
}
