import type { Permission } from '@enchilada/core/access';
import type { AuditAction } from '@enchilada/core/audit';
import type { Static, TObject, TSchema } from 'typebox';

/**
 * Who may call a route. `public`: anybody. `bootstrap`: only while no administrator exists. `signing-in`: a login that may still lack its
 * second factor. `signed-in`: every person.
 * A permission, or a list of which one is enough; the handler then narrows by object through the one policy function.
 */
export type RouteAccess =
  'public' | 'bootstrap' | 'signing-in' | 'signed-in' | Permission | readonly [Permission, ...Permission[]];
export type RouteMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface RouteDefinition {
  readonly method: RouteMethod;
  /** Below `API_PREFIX`, parameters as `:name`. */
  readonly path: `/${string}`;
  readonly access: RouteAccess;
  /** One sentence for the reference. */
  readonly summary: string;
  readonly params?: TObject;
  readonly query?: TObject;
  readonly body?: TObject;
  /** The answer by its status; exactly one success. 204 has no body. */
  readonly response: Readonly<Partial<Record<200 | 201 | 204, TSchema>>>;
  /** Takes a stream of bytes of this media type instead of JSON, however long. */
  readonly upload?: string;
  /** Answered as a stream of bytes of this media type instead of JSON. */
  readonly stream?: string;
  /** Largest body, where it is more than the usual 64 KiB. */
  readonly bodyLimitBytes?: number;
  /** About a live session, `:id`, and answered by the node that holds it: the others pass the request on. */
  readonly atHolder?: true;
  /** Answers before the first administrator exists, beside the `bootstrap` routes. */
  readonly beforeBootstrap?: true;
  /** What a success writes to the audit log. */
  readonly audit?: readonly AuditAction[];
}

export const API_PREFIX = '/api/v1';
/** Every request that is no GET carries it (any other origin would need a preflight); `background` says that nobody is at the keyboard. */
export const CSRF_HEADER = 'x-enchilada';
export const CSRF_VALUES = ['1', 'background'] as const;

type Part<R, K extends 'params' | 'query' | 'body'> = R extends { readonly [P in K]: infer S extends TSchema }
  ? { readonly [P in K]: Static<S> }
  : unknown;

/** What a call of the route is given. */
export type InputOf<R extends RouteDefinition> = Part<R, 'params'> &
  Part<R, 'query'> &
  Part<R, 'body'> &
  (R extends { readonly upload: string } ? { readonly body: ByteSource } : unknown);
/** What a client sends as the body of an upload; the gateway reads it as it comes. */
export type ByteSource = AsyncIterable<Uint8Array>;
/** What a success holds; `undefined` for 204. */
export type OutputOf<R extends RouteDefinition> = R['response'] extends { readonly 204: TSchema }
  ? undefined
  : R['response'] extends { readonly 200: infer S extends TSchema } | { readonly 201: infer S extends TSchema }
    ? Static<S>
    : never;

/** The body of a streamed answer, as the gateway gives it. */
export interface ContentStream {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Where it depends on the request; otherwise the route's `stream`. */
  readonly mediaType?: string;
  /** Offered as a download under this name. */
  readonly filename?: string;
  /** Bytes there will be, where that is known. */
  readonly length?: number;
}

/** Keeps the literal types of a table of routes while checking each entry. */
export function routes<const T extends Readonly<Record<string, RouteDefinition>>>(table: T): T {
  return table;
}
