import { Readable } from 'node:stream';
import {
  API_PREFIX,
  CSRF_HEADER,
  openApiDocument,
  type RouteAccess,
  ROUTE_LIST,
  type RouteDefinition,
  successStatus,
} from '@enchilada/contract';
import { type Permission, permissionsHeld } from '@enchilada/core/access';
import type { AuditLog } from '@enchilada/core/audit';
import { Fault, isFault } from '@enchilada/core/fault';
import type { ClaimedIdentity, VerifiedIdentity } from '@enchilada/core/identity';
import { type RandomSource, randomId } from '@enchilada/core/time';
import { Ajv } from 'ajv';
import buildSerializer from 'fast-json-stringify';
import {
  fastify,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { eraseCookie, readBrowserCookie, readCookie, writeBrowserCookie, writeCookie } from '../auth/cookie.ts';
import { type ClientAddress, plainAddress } from './client-address.ts';
import { serializeOnUse, validateOnUse } from './compile-on-use.ts';
import {
  actorOf,
  type ClaimContext,
  type ContentStream,
  type Handlers,
  type OpenContext,
  type SignedInContext,
} from './context.ts';
import { answerFromHolder, peerToken, sessionIdOf, type SessionHolders } from './holder-door.ts';
import { checkOrigin } from './origin-check.ts';
import { replyWithProblem } from './problem-reply.ts';
import { plainHeaders } from './security-headers.ts';
import { readAway, uploadOf } from './upload.ts';

declare module 'fastify' {
  interface FastifyRequest {
    clientAddress: string;
    claim: ClaimedIdentity | undefined;
    identity: VerifiedIdentity | undefined;
    faultCode: string | undefined;
    /** It came from another node, which knows the person. */
    isPassedOn: boolean;
  }
  interface FastifyContextConfig {
    access?: RouteAccess;
    beforeBootstrap?: boolean;
    /** A page or a probe: another site may link to it. Everything else is asked for by our own pages alone. */
    fromAnywhere?: boolean;
    atHolder?: boolean;
    upload?: string;
  }
}

/** Who is asking, and whether anybody may be asked yet. */
export interface Gate {
  /** @param background the request was made by a timer and does not keep the login alive */
  claim(
    cookie: string | undefined,
    options: { readonly background: boolean },
  ): Promise<{ readonly claim: ClaimedIdentity; readonly identity: VerifiedIdentity | undefined } | undefined>;
  /** @param authorization the header as sent */
  identifyToken(authorization: string, address: string): Promise<VerifiedIdentity | undefined>;
  bootstrapRequired(): Promise<boolean>;
}

export interface RequestObservation {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly ms: number;
}

export interface AppParts {
  readonly handlers: Handlers;
  readonly gate: Gate;
  readonly audit: AuditLog;
  readonly clientAddress: ClientAddress;
  /** The origins of the public address; known once the port is. */
  readonly origins: () => ReadonlySet<string>;
  readonly isTls: boolean;
  readonly log: Logger;
  readonly random: RandomSource;
  /** Absent where there is one node. */
  readonly holders?: SessionHolders;
  readonly observe: (observation: RequestObservation) => void;
  /** The table, unless a test brings its own. */
  readonly routes?: readonly (RouteDefinition & { readonly id: string })[];
}

const BODY_LIMIT_BYTES = 64 * 1024;
const IS_OPEN: ReadonlySet<unknown> = new Set<RouteAccess>(['public', 'bootstrap']);

/** The HTTP application: one guard in front of every route, handlers by the route table. Not listening yet. @throws Fault INTERNAL for an undeclared route */
export function createApp(parts: AppParts): FastifyInstance {
  const logger: FastifyBaseLogger = parts.log;
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => `ref_${randomId(parts.random)}`,
    bodyLimit: BODY_LIMIT_BYTES,
    exposeHeadRoutes: false,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  });
  app.decorateRequest('clientAddress', '');
  app.decorateRequest('claim', undefined);
  app.decorateRequest('identity', undefined);
  app.decorateRequest('faultCode', undefined);
  app.decorateRequest('isPassedOn', false);

  // INVARIANT: no route exists without a declared access; the process does not start with one (T14).
  app.addHook('onRoute', (route) => {
    if (route.config?.access === undefined)
      throw new Fault('INTERNAL', `the route ${String(route.method)} ${route.url} declares no permission`);
  });
  const common = plainHeaders(parts.isTls);
  app.addHook('onRequest', async (request, reply) => {
    request.clientAddress = parts.clientAddress(request.socket.remoteAddress, request.headers['x-forwarded-for']);
    reply.headers(common).header('cache-control', 'no-store');
    await guard(request, parts);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    parts.observe({ route, method: request.method, status: reply.statusCode, ms: reply.elapsedTime });
    const line = {
      reference: request.id,
      method: request.method,
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      address: request.clientAddress,
    };
    parts.log.debug({ ...line, userId: request.identity?.user.id, code: request.faultCode }, 'request');
    done();
  });
  app.setErrorHandler(replyWithProblem);
  app.setNotFoundHandler((request, reply) =>
    replyWithProblem(new Fault('NOT_FOUND', 'nothing lives at this address'), request, reply),
  );

  const strict = new Ajv({ coerceTypes: false, useDefaults: true, removeAdditional: false, allErrors: false });
  const fromText = new Ajv({ coerceTypes: true, useDefaults: true, removeAdditional: false, allErrors: false });
  app.setValidatorCompiler(({ schema, httpPart }) =>
    validateOnUse(() => (httpPart === 'querystring' ? fromText : strict).compile(schema as object)),
  );
  app.setSerializerCompiler(({ schema }) => serializeOnUse(() => buildSerializer(schema as object)));

  // Routes that take no upload never get here with this type: the guard has refused it.
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => {
    done(null, payload);
  });
  for (const route of parts.routes ?? ROUTE_LIST) register(app, route, parts);
  const document = JSON.stringify(openApiDocument());
  app.get(`${API_PREFIX}/openapi.json`, { config: { access: 'signed-in' } }, (_request, reply) =>
    reply.type('application/json').send(document),
  );
  return app;
}

/**
 * The one guard: cross-site requests, first start, login, permission, in this order, before a body is read.
 * INVARIANT: it judges by the route that was found and never by the URL as sent, which names the same route in many ways
 * (`/%61pi/…`, `http://host/api/…`).
 */
async function guard(request: FastifyRequest, parts: AppParts): Promise<void> {
  const { access, beforeBootstrap, fromAnywhere, upload, atHolder } = request.routeOptions.config;
  if (fromAnywhere !== true) checkOrigin({ method: request.method, upload }, request.headers, parts.origins());
  if (access === undefined) return;
  if (access !== 'bootstrap' && beforeBootstrap !== true && (await parts.gate.bootstrapRequired())) {
    throw new Fault('BOOTSTRAP_REQUIRED', 'the bootstrap link must be used first');
  }
  if (IS_OPEN.has(access)) return;
  const background = request.headers[CSRF_HEADER] === 'background';
  const { authorization } = request.headers;
  // INVARIANT: whoever shows a token is judged by it alone, whatever cookie came too. Other schemes are a proxy's own and say nothing here.
  const peer = parts.holders !== undefined && atHolder === true ? peerToken(authorization) : undefined;
  const found =
    peer !== undefined
      ? await claimOfPeer(peer, request, parts)
      : authorization === undefined || !/^bearer /iu.test(authorization)
        ? await parts.gate.claim(readCookie(request.headers.cookie), { background })
        : await claimOfToken(authorization, request, parts);
  if (found === undefined) throw new Fault('UNAUTHENTICATED', 'no valid login came with the request');
  request.claim = found.claim;
  request.identity = found.identity;
  if (access === 'signing-in') return;
  if (request.identity === undefined)
    throw new Fault('SECOND_FACTOR_DUE', 'the login lacks its second factor', {
      facts: { stage: found.claim.login.stage },
    });
  if (access === 'signed-in') return;
  const held = permissionsHeld(request.identity);
  const wanted = [access].flat() as readonly Permission[];
  if (wanted.some((permission) => held.has(permission))) return;
  await parts.audit.append({
    action: 'access.denied',
    actor: { kind: 'user', id: request.identity.user.id, name: request.identity.user.username },
    address: request.clientAddress,
    object: { kind: 'route', id: `${request.method} ${request.routeOptions.url ?? ''}` },
    outcome: 'denied',
    reason: `lacks ${wanted.join(' and ')}`,
  });
  throw new Fault('FORBIDDEN', `this needs the permission ${wanted.join(' or ')}`);
}

/** A program with a token: its permissions, and of what every person may do only to look. Accounts are people's own (T07). */
async function claimOfToken(
  authorization: string,
  request: FastifyRequest,
  { gate }: AppParts,
): ReturnType<Gate['claim']> {
  const identity = await gate.identifyToken(authorization, request.clientAddress);
  if (identity === undefined) return undefined;
  const { access } = request.routeOptions.config;
  const isOwnAccount = access === 'signing-in' || (access === 'signed-in' && request.method !== 'GET');
  if (isOwnAccount) throw new Fault('FORBIDDEN', 'an API token is not for this: sign in');
  return { claim: claimOf(identity), identity };
}

/** A person whom another node let in; it says from where. */
async function claimOfPeer(token: string, request: FastifyRequest, { holders }: AppParts): ReturnType<Gate['claim']> {
  const accepted = await holders?.accept(token, sessionIdOf(request));
  if (accepted === undefined) return undefined;
  const { identity, address } = accepted;
  request.clientAddress = address;
  request.isPassedOn = true;
  return { claim: claimOf(identity), identity };
}

function claimOf({ user, groupIds, login }: VerifiedIdentity): ClaimedIdentity {
  return { user, groupIds, login } as unknown as ClaimedIdentity;
}

type AnyHandler = (context: OpenContext | ClaimContext | SignedInContext, input: unknown) => Promise<unknown>;

function register(app: FastifyInstance, route: RouteDefinition & { readonly id: string }, parts: AppParts): void {
  const handler = (parts.handlers as Readonly<Record<string, AnyHandler | undefined>>)[route.id];
  if (handler === undefined) throw new Fault('INTERNAL', `the route ${route.id} has no handler`);
  const status = successStatus(route);
  const schema = route.response[status];
  app.route({
    method: route.method,
    url: `${API_PREFIX}${route.path}`,
    // A table in a test may lack it; then the hook above stops the start.
    config: {
      ...((route.access as RouteAccess | undefined) === undefined ? {} : { access: route.access }),
      beforeBootstrap: route.beforeBootstrap === true,
      ...(route.upload === undefined ? {} : { upload: route.upload }),
      atHolder: route.atHolder === true,
    },
    ...(route.bodyLimitBytes === undefined ? {} : { bodyLimit: route.bodyLimitBytes }),
    schema: {
      ...(route.params === undefined ? {} : { params: route.params }),
      ...(route.query === undefined ? {} : { querystring: route.query }),
      ...(route.body === undefined ? {} : { body: route.body }),
      // The serializer writes what the schema names and nothing else (T34).
      ...(route.stream === undefined && status !== 204 ? { response: { [status]: schema } } : {}),
    },
    handler: async (request, reply) => {
      let output: unknown;
      try {
        output = await handler(contextOf(request, reply, parts), {
          params: request.params,
          query: request.query,
          body: route.upload === undefined ? request.body : uploadOf(request),
        });
      } catch (failure) {
        const { holders } = parts;
        const isElsewhere = route.atHolder === true && isFault(failure, 'SESSION_ELSEWHERE');
        if (!isElsewhere || holders === undefined || request.isPassedOn) {
          if (route.upload !== undefined) await readAway(request.body);
          throw failure;
        }
        return answerFromHolder(request, reply, holders);
      }
      if (route.stream !== undefined) return sendStream(reply, output as ContentStream, route.stream);
      return reply.code(status).send(status === 204 ? undefined : output);
    },
  });
}

function contextOf(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: AppParts,
): OpenContext | ClaimContext | SignedInContext {
  const open: OpenContext = {
    address: request.clientAddress,
    peer: plainAddress(request.socket.remoteAddress ?? ''),
    headers: (name) => headersNamed(request.raw.rawHeaders, name),
    userAgent: (request.headers['user-agent'] ?? '').replaceAll(/[^\x20-\x7e]/gu, '').slice(0, 400),
    cookie: readCookie(request.headers.cookie),
    setCookie: (value) => void reply.header('set-cookie', writeCookie(value)),
    clearCookie: () => void reply.header('set-cookie', eraseCookie()),
    browser: readBrowserCookie(request.headers.cookie),
    setBrowser: (value) => void reply.header('set-cookie', writeBrowserCookie(value)),
  };
  const { claim, identity } = request;
  if (claim === undefined) return open;
  if (identity === undefined) return { ...open, claim };
  const context: SignedInContext = {
    ...open,
    claim,
    identity,
    permissions: permissionsHeld(identity),
    refuse: async (object) => {
      await parts.audit.append({
        action: 'access.denied',
        ...actorOf(context),
        object,
        outcome: 'denied',
        reason: request.routeOptions.url ?? '',
      });
      throw new Fault('NOT_FOUND', 'there is no such object');
    },
  };
  return context;
}

/** Each as it was sent: joined ones could not be told from one that holds a comma. */
function headersNamed(raw: readonly string[], name: string): readonly string[] {
  return raw.flatMap((value, index) => (index % 2 === 1 && raw[index - 1]?.toLowerCase() === name ? [value] : []));
}

function sendStream(reply: FastifyReply, content: ContentStream, mediaType: string): FastifyReply {
  if (content.filename !== undefined) {
    // RFC 6266 section 4.3 and RFC 8187: one line of ASCII whatever the name is, and the name itself for those who read it.
    const plain = content.filename.replaceAll(/[^A-Za-z0-9._-]/gu, '_');
    const whole = encodeURIComponent(content.filename).replaceAll(
      /['()*]/gu,
      (character) => `%${character.charCodeAt(0).toString(16)}`,
    );
    reply.header(
      'content-disposition',
      `attachment; filename="${plain}"${plain === content.filename ? '' : `; filename*=UTF-8''${whole}`}`,
    );
  }
  if (content.length !== undefined) reply.header('content-length', content.length);
  return reply.type(content.mediaType ?? mediaType).send(Readable.from(content.bytes, { objectMode: false }));
}
