import { CSRF_HEADER, CSRF_VALUES } from '@enchilada/contract';
import { Fault } from '@enchilada/core/fault';
import type { IncomingHttpHeaders } from 'node:http';

const SAME = new Set(['same-origin', 'none']);

export interface OriginRule {
  readonly method: string;
  /** The media type of a route that takes a stream. */
  readonly upload: string | undefined;
}

/**
 * Stops requests that another site makes in a person's browser (T02): the header that needs a preflight, JSON as the only content,
 * and Origin and Sec-Fetch-Site wherever a browser sends them. @throws Fault ORIGIN_REFUSED
 */
export function checkOrigin(
  { method, upload }: OriginRule,
  headers: IncomingHttpHeaders,
  origins: ReadonlySet<string>,
): void {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && !SAME.has(String(site)))
    throw new Fault('ORIGIN_REFUSED', 'the request was made by another site');
  if (origin !== undefined && !origins.has(origin))
    throw new Fault('ORIGIN_REFUSED', `requests from origin ${JSON.stringify(origin)} are not accepted`);
  if (method === 'GET' || method === 'HEAD') return;
  const proof = headers[CSRF_HEADER];
  if (typeof proof !== 'string' || !(CSRF_VALUES as readonly string[]).includes(proof))
    throw new Fault('ORIGIN_REFUSED', `the header ${CSRF_HEADER} is missing`);
  const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
  const type = headers['content-type'];
  // No form can be of this type, and the header above needs a preflight.
  if (upload !== undefined && type === upload) return;
  if ((hasBody || type !== undefined) && !/^application\/json(?:;\s*charset=utf-8)?$/iu.test(type ?? '')) {
    throw new Fault(
      'ORIGIN_REFUSED',
      `the content type must be application/json, received ${JSON.stringify(type ?? null)}`,
    );
  }
}
