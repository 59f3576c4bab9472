import type { FaultCode, FaultFacts } from '@enchilada/core/fault';

/**
 * `NETWORK`: nothing answered at all. `LOCAL_DISK`: a file of the person's own cannot be read or kept. `EDIT_TOO_LARGE`: a file has grown past what a
 * page edits. `TRANSFER_LOST`: a conflict about a transfer.
 */
type BrowserFaultCode = 'NETWORK' | 'LOCAL_DISK' | 'EDIT_TOO_LARGE' | 'TRANSFER_LOST';

/** What the gateway answered instead of a result, or what kept it from answering. */
export class ApiFault extends Error {
  readonly code: FaultCode | BrowserFaultCode;
  readonly status: number;
  readonly detail: string;
  readonly reference: string | undefined;
  readonly facts: FaultFacts;

  constructor(problem: {
    readonly code: FaultCode | BrowserFaultCode;
    readonly status: number;
    readonly detail?: string;
    readonly reference?: string | undefined;
    readonly facts?: FaultFacts;
  }) {
    super(problem.detail ?? problem.code);
    this.name = 'ApiFault';
    this.code = problem.code;
    this.status = problem.status;
    this.detail = problem.detail ?? '';
    this.reference = problem.reference;
    this.facts = problem.facts ?? {};
  }
}

export type QueryValue = string | number | boolean | undefined;

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`, segments already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, QueryValue>> | undefined;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Made by a timer: it does not keep the login alive. */
  readonly background?: boolean | undefined;
}

export const API = '/api/v1';

export function addressOf(path: string, query: ApiRequest['query'] = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return `${API}${path}${pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`}`;
}

async function problemOf(response: Response): Promise<ApiFault> {
  const text = await response.text();
  try {
    return new ApiFault({
      ...(JSON.parse(text) as ConstructorParameters<typeof ApiFault>[0]),
      status: response.status,
    });
  } catch {
    return new ApiFault({
      code: response.status === 401 ? 'UNAUTHENTICATED' : 'INTERNAL',
      status: response.status,
      detail: text.slice(0, 200),
    });
  }
}

let onSignedOut: (step?: 'factor') => void = () => undefined;

/** Called when a login ran out while the page was open. */
export function whenSignedOut(action: (step?: 'factor') => void): void {
  onSignedOut = action;
}

export async function send(request: ApiRequest): Promise<Response> {
  const headers: Record<string, string> = {
    accept: 'application/json, application/problem+json',
    'x-enchilada': request.background === true ? 'background' : '1',
  };
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(addressOf(request.path, request.query), {
      method: request.method,
      headers,
      credentials: 'same-origin',
      redirect: 'error',
      cache: 'no-store',
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiFault({ code: 'NETWORK', status: 0 });
  }
  if (response.ok) return response;
  const fault = await problemOf(response);
  if (fault.code === 'UNAUTHENTICATED') onSignedOut();
  if (fault.code === 'SECOND_FACTOR_DUE') onSignedOut('factor');
  throw fault;
}

export async function call<T>(request: ApiRequest): Promise<T> {
  const response = await send(request);
  return response.status === 204 ? (null as T) : ((await response.json()) as T);
}
