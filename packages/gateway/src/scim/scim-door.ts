import { Fault } from '@enchilada/core/fault';
import type { ProviderRecord } from '@enchilada/core/identity';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RefusalTally } from '../auth/refusal-tally.ts';
import { Provisioning, scimPath } from './provisioning.ts';
import { ScimGroups } from './scim-groups.ts';
import { scimFailure, SCIM_MEDIA_TYPE } from './scim-message.ts';
import { answer, type Door, type Route, ROUTES } from './scim-routes.ts';
import { type ScimParts, ScimUsers } from './scim-users.ts';

export interface ScimDoorParts extends ScimParts {
  readonly publicUrl: () => string;
  readonly refusals: Pick<RefusalTally, 'note'>;
}

const BODY_LIMIT_BYTES = 2 * 1024 * 1024;

/**
 * SCIM 2.0 (RFC 7643, RFC 7644): where identity providers write their people and groups. INVARIANT: every request is judged by the token of the
 * provider that its path names, and by nothing else; none reads a cookie.
 */
export function serveScim(app: FastifyInstance, parts: ScimDoorParts): void {
  const provisioning = new Provisioning(parts);
  const door: Door = { users: new ScimUsers(parts), groups: new ScimGroups(parts), store: parts.store };
  void app.register((scope, _options, registered) => {
    const known = new WeakMap<FastifyRequest, ProviderRecord>();
    const parser = scope.getDefaultJsonParser('error', 'error');
    scope.addContentTypeParser(SCIM_MEDIA_TYPE, { parseAs: 'string', bodyLimit: BODY_LIMIT_BYTES }, parser);
    scope.setErrorHandler((error, request, reply) => {
      const { fault, status, body } = scimFailure(error);
      if (status >= 500) request.log.error({ reference: request.id, code: fault.code, err: error }, 'a request failed');
      request.faultCode = fault.code;
      if (status === 403) {
        const object = { kind: 'provider', id: known.get(request)?.id ?? '' };
        parts.refusals.note({ action: 'access.denied', address: request.clientAddress, reason: fault.message, object });
      }
      if (status === 401) reply.header('www-authenticate', 'Bearer realm="scim"');
      return answer(reply, status, body);
    });
    const serve = (route: Route): void => {
      scope.route({
        method: route.method,
        url: `${scimPath(':provider')}${route.path}`,
        config: { access: 'public', fromAnywhere: true },
        bodyLimit: BODY_LIMIT_BYTES,
        // Before a body is read.
        onRequest: async (request) => {
          const { provider } = request.params as { readonly provider: string };
          const record = await provisioning.identify(provider, request.headers.authorization);
          if (record === undefined) {
            const object = { kind: 'provider', id: provider.slice(0, 40) } as const;
            const reason = 'the request carries no valid token of the provider';
            parts.refusals.note({ action: 'access.denied', address: request.clientAddress, reason, object });
            throw new Fault('UNAUTHENTICATED', reason);
          }
          known.set(request, record);
        },
        handler: async (request, reply) => {
          const record = known.get(request);
          if (record === undefined) throw new Fault('INTERNAL', 'a request passed without its provider');
          const { id = '' } = request.params as { readonly id?: string };
          const base = `${parts.publicUrl()}${scimPath(record.id)}`;
          return route.handle({ record, base, request, reply, id }, door);
        },
      });
    };
    for (const route of ROUTES) serve(route);
    registered();
  });
}
