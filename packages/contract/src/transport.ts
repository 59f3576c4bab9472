import type { FaultCode } from '@enchilada/core/fault';
import { PROBLEM_MEDIA_TYPE, type Problem } from './problem.ts';
import { API_PREFIX, type ByteSource, CSRF_HEADER, type RouteDefinition } from './route.ts';
import { ROUTES, type RouteId, successStatus } from './routes.ts';

/** What is used of a Fetch API response, so that browsers, Node and tests all fit. */
export interface ApiResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  json(): Promise<unknown>;
}

export interface ApiRequest {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string | ByteSource;
  readonly credentials: 'same-origin';
  readonly redirect: 'error';
  readonly signal?: AbortSignal;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** The request was made by a timer; it does not keep the login alive. */
  readonly background?: boolean;
}

export interface TransportOptions<R extends ApiResponse> {
  /** The Fetch API, or something like it. */
  readonly fetch: (url: string, request: ApiRequest) => Promise<R>;
  /** Empty in the browser: the page's own origin. */
  readonly baseUrl?: string;
  /** Added to every request, for example a cookie outside the browser. */
  readonly headers?: () => Readonly<Record<string, string>>;
}

/** A refusal of the gateway. `code` is for programs and the message catalogue, `reference` for the log. */
export class ApiProblem extends Error {
  readonly code: FaultCode;
  readonly status: number;
  readonly reference: string;
  readonly facts: Problem['facts'];

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'ApiProblem';
    this.code = problem.code;
    this.status = problem.status;
    this.reference = problem.reference;
    this.facts = problem.facts;
  }
}

interface Parts {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

function scalar(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? encodeURIComponent(String(value))
    : '';
}

/** The path of a route with its parameters and query filled in, below the origin. */
export function routeUrl(id: RouteId, parts: Parts): string {
  const path = ROUTES[id].path.replace(/:([A-Za-z]+)/gu, (_, name: string) => scalar(parts.params?.[name]));
  const query = Object.entries(parts.query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${scalar(value)}`],
  );
  return `${API_PREFIX}${path}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}

export class Transport<R extends ApiResponse = ApiResponse> {
  readonly #options: TransportOptions<R>;

  constructor(options: TransportOptions<R>) {
    this.#options = options;
  }

  /** @throws ApiProblem, and whatever `fetch` throws when nothing answers */
  async call<T>(id: RouteId, input: unknown, options: CallOptions = {}): Promise<T> {
    const response = await this.open(id, input, options);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  /** The successful response itself, for streams. */
  async open(id: RouteId, input: unknown, options: CallOptions = {}): Promise<R> {
    const route: RouteDefinition = ROUTES[id];
    const parts = input as Parts;
    const response = await this.#options.fetch(`${this.#options.baseUrl ?? ''}${routeUrl(id, parts)}`, {
      method: route.method,
      headers: {
        ...this.#options.headers?.(),
        [CSRF_HEADER]: options.background === true ? 'background' : '1',
        ...(parts.body === undefined ? {} : { 'content-type': route.upload ?? 'application/json' }),
      },
      ...(parts.body === undefined
        ? {}
        : { body: route.upload === undefined ? JSON.stringify(parts.body) : (parts.body as ByteSource) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      credentials: 'same-origin',
      redirect: 'error',
    });
    if (response.status === successStatus(route)) return response;
    throw new ApiProblem(await readProblem(response));
  }
}

async function readProblem(response: ApiResponse): Promise<Problem> {
  if (response.headers.get('content-type')?.startsWith(PROBLEM_MEDIA_TYPE) === true)
    return (await response.json()) as Problem;
  const unreadable = `the server answered ${response.status} without a reason`;
  return { code: 'INTERNAL', title: unreadable, status: response.status, detail: unreadable, reference: '', facts: {} };
}
