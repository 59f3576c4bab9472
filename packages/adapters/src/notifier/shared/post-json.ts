import { request } from 'node:https';
import type { EgressPolicy } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import { deliveryFault, type DeliveryReason } from '@enchilada/core/notification';
import { judgedLookup, literalRefusal } from '../../shared/judged-lookup.ts';
import { forbidden, socketFailure } from './delivery-failure.ts';

export interface Posting {
  readonly url: URL;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly egress: EgressPolicy;
  readonly signal: AbortSignal;
}

function reasonOf(status: number): DeliveryReason {
  if (status === 429) return 'throttled';
  if (status >= 300 && status < 400) return 'redirected';
  return status >= 500 ? 'receiver-failed' : 'refused';
}

/** Posts JSON; redirects are not followed. INVARIANT: what fails names the host and never the path, which may be a secret. @throws Fault NOTIFICATION_FAILED */
export function postJson({ url, body, headers, egress, signal }: Posting): Promise<void> {
  const refusal = literalRefusal(url.hostname, egress);
  if (refusal !== undefined) return Promise.reject(forbidden(url.hostname, refusal));
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      reject(socketFailure(url.host, cause));
    };
    const sent = request(
      url,
      {
        method: 'POST',
        lookup: judgedLookup(egress),
        signal,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'content-length': Buffer.byteLength(body),
          ...headers,
        },
      },
      (response) => {
        const { statusCode = 0 } = response;
        response.on('error', fail);
        response.resume();
        if (statusCode >= 200 && statusCode < 300) resolve();
        else {
          const facts = { reason: reasonOf(statusCode), host: url.host, status: statusCode };
          reject(deliveryFault(facts, `${url.host} answered ${statusCode}`));
        }
      },
    );
    sent.on('error', fail);
    sent.end(body);
  });
}

/** An address that was given as a secret, because whoever knows it may post there. @throws Fault CONFIGURATION_INVALID */
export function secretUrl(secret: { reveal(): string } | undefined): URL {
  const url = URL.parse(secret?.reveal().trim() ?? '');
  if (url?.protocol !== 'https:' || url.username !== '')
    throw new Fault('CONFIGURATION_INVALID', 'the address must begin with https://', { facts: { key: 'secret' } });
  return url;
}
