import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { routeUrl, type RouteId, ROUTES } from '@enchilada/contract';
import type { Person } from '../product/index.ts';

export interface PlainRequest {
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body?: Uint8Array;
}

/**
 * A request by Node's own HTTP client: `fetch` spends twice as much on each byte as the gateway does, which a browser does not, and would itself
 * be what a throughput measures.
 */
export async function plainRequest(
  from: { readonly person: Person; readonly agent: http.Agent },
  route: RouteId,
  { body, ...parts }: PlainRequest,
): Promise<http.IncomingMessage> {
  const { person, agent } = from;
  const headers = { origin: person.origin, cookie: person.cookie, 'x-enchilada': '1' };
  const { request } = person.url.startsWith('https:') ? https : http;
  const call = request(`${person.url}${routeUrl(route, parts)}`, {
    method: ROUTES[route].method,
    agent,
    headers:
      body === undefined
        ? headers
        : { ...headers, 'content-type': 'application/octet-stream', 'content-length': body.length },
  });
  call.end(body);
  const [response] = (await once(call, 'response')) as [http.IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`${route} was answered by ${response.statusCode}`);
  return response;
}
