import { Fault, isFault } from '@enchilada/core/fault';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RefusalTally } from '../auth/refusal-tally.ts';
import { doorPath, type ProviderSignIn } from '../providers/provider-sign-in.ts';

export interface ProviderDoorParts {
  readonly signInAt: Pick<ProviderSignIn, 'hearLogout' | 'hearAtDoor' | 'metadata' | 'addresses'>;
  readonly refusals: Pick<RefusalTally, 'note'>;
}

const FORM = 'application/x-www-form-urlencoded';
const BODY_LIMIT_BYTES = 32 * 1024;
/** An answer with the groups of somebody who is in many. */
const ANSWER_LIMIT_BYTES = 512 * 1024;
/** What says that somebody signed out is short. */
const LOGOUT_LIMIT_BYTES = 64 * 1024;

export function backChannelPath(id: string): string {
  return `${doorPath(id)}/back-channel-logout`;
}

/**
 * Where identity providers call: their servers, and browsers straight from them. The only routes that take a form from anywhere. Each is worth
 * what the signed message in it is worth, and none reads a cookie. OpenID Connect Back-Channel Logout 1.0 section 2.8; SAML Bindings section 3.5.
 */
export function serveProviderDoor(app: FastifyInstance, { signInAt, refusals }: ProviderDoorParts): void {
  const config = { access: 'public', fromAnywhere: true } as const;
  app.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: ANSWER_LIMIT_BYTES }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))));
  });
  const note = (request: FastifyRequest, id: string, failure: Fault): void => {
    const object = { kind: 'provider', id };
    refusals.note({ action: 'access.denied', address: request.clientAddress, reason: failure.message, object });
  };
  app.post(backChannelPath(':id'), { config, bodyLimit: BODY_LIMIT_BYTES }, async (request, reply) => {
    const id = idOf(request);
    try {
      await signInAt.hearLogout(id, formOf(request), request.clientAddress);
      return await reply.code(200).send();
    } catch (failure) {
      if (!isFault(failure, 'PROVIDER_REFUSED') && !isFault(failure, 'NOT_FOUND')) throw failure;
      note(request, id, failure);
      return reply.code(400).send({ error: 'invalid_request' });
    }
  });
  for (const where of ['answer', 'logout'] as const)
    app.route({
      method: where === 'answer' ? ['POST'] : ['GET', 'POST'],
      url: `${doorPath(':id')}/${where}`,
      config,
      bodyLimit: where === 'answer' ? ANSWER_LIMIT_BYTES : LOGOUT_LIMIT_BYTES,
      handler: async (request, reply) => {
        const id = idOf(request);
        const query = request.method === 'GET' ? (/\?(.*)$/su.exec(request.url)?.[1] ?? '') : '';
        const fields = query === '' ? formOf(request) : Object.fromEntries(new URLSearchParams(query));
        try {
          const goTo = await signInAt.hearAtDoor(id, { where, fields, query }, request.clientAddress);
          return await reply.redirect(goTo, 303);
        } catch (failure) {
          if (!isFault(failure, 'PROVIDER_REFUSED')) throw failure;
          note(request, id, failure);
          // The page says that it came to nothing, with what to do next.
          return reply.redirect(signInAt.addresses(id).returnTo, 303);
        }
      },
    });
  app.get(`${doorPath(':id')}/metadata`, { config }, async (request, reply) => {
    const { type, text } = await signInAt.metadata(idOf(request));
    return reply.type(type).send(text);
  });
}

function idOf(request: FastifyRequest): string {
  const { id } = request.params as { readonly id: string };
  if (!/^[a-z0-9_]{1,40}$/u.test(id)) throw new Fault('NOT_FOUND', 'there is no such way to sign in');
  return id;
}

/** @throws Fault INVALID_REQUEST */
function formOf(request: FastifyRequest): Readonly<Record<string, string>> {
  const isForm = String(request.headers['content-type'] ?? '').split(';')[0] === FORM;
  if (!isForm) throw new Fault('INVALID_REQUEST', `the body must be ${FORM}`);
  return request.body as Readonly<Record<string, string>>;
}
