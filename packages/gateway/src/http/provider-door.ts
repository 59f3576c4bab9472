import { API_PREFIX } from '@enchilada/contract';
import { Fault, isFault } from '@enchilada/core/fault';
import type { FastifyInstance } from 'fastify';
import type { RefusalTally } from '../auth/refusal-tally.ts';
import type { ProviderSignIn } from '../providers/provider-sign-in.ts';

export interface ProviderDoorParts {
  readonly signInAt: Pick<ProviderSignIn, 'hearLogout'>;
  readonly refusals: Pick<RefusalTally, 'note'>;
}

const FORM = 'application/x-www-form-urlencoded';
const BODY_LIMIT_BYTES = 32 * 1024;

export function backChannelPath(id: string): string {
  return `${API_PREFIX}/login/providers/${id}/back-channel-logout`;
}

/**
 * Where servers of identity providers call, without a browser: the one route that takes a form from anywhere. It is worth what the signed message in it is
 * worth, and reads no cookie. OpenID Connect Back-Channel Logout 1.0 section 2.8 says how it is answered.
 */
export function serveProviderDoor(app: FastifyInstance, { signInAt, refusals }: ProviderDoorParts): void {
  app.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: BODY_LIMIT_BYTES }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))));
  });
  app.post(
    backChannelPath(':id'),
    { config: { access: 'public', fromAnywhere: true }, bodyLimit: BODY_LIMIT_BYTES },
    async (request, reply) => {
      const { id } = request.params as { readonly id: string };
      const isForm = String(request.headers['content-type'] ?? '').split(';')[0] === FORM;
      if (!isForm || !/^[a-z0-9_]{1,40}$/u.test(id)) throw new Fault('INVALID_REQUEST', `the body must be ${FORM}`);
      try {
        await signInAt.hearLogout(id, request.body as Readonly<Record<string, string>>, request.clientAddress);
        return await reply.code(200).send();
      } catch (failure) {
        if (!isFault(failure, 'PROVIDER_REFUSED') && !isFault(failure, 'NOT_FOUND')) throw failure;
        const object = { kind: 'provider', id };
        refusals.note({ action: 'access.denied', address: request.clientAddress, reason: failure.message, object });
        return reply.code(400).send({ error: 'invalid_request' });
      }
    },
  );
}
