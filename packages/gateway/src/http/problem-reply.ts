import { PROBLEM_MEDIA_TYPE, type Problem } from '@enchilada/contract';
import { Fault, FAULTS, toFault } from '@enchilada/core/fault';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { statusOf } from './fault-status.ts';

function validationFault(error: FastifyError): Fault | undefined {
  const [first] = error.validation ?? [];
  if (first !== undefined) {
    const names = first.params as { readonly additionalProperty?: string; readonly missingProperty?: string };
    const extra = names.additionalProperty ?? names.missingProperty;
    const field = `${error.validationContext ?? 'body'}${first.instancePath}${extra === undefined ? '' : `/${extra}`}`;
    return new Fault('INVALID_REQUEST', `${field} ${first.message ?? 'is not valid'}`, { facts: { field } });
  }
  // Fastify's own refusals: malformed JSON, a body that is too large, a content type nobody reads.
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new Fault(
      'INVALID_REQUEST',
      error.code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? 'the body is too large' : 'the request cannot be read',
    );
  }
  return undefined;
}

function problemOf(fault: Fault, reference: string): Problem {
  const status = statusOf(fault.code);
  // What failed inside is for the log; the person gets the sentence of the code and the reference.
  const detail = status >= 500 ? FAULTS[fault.code] : fault.message;
  return {
    code: fault.code,
    title: FAULTS[fault.code],
    status,
    detail: detail.slice(0, 2000),
    reference,
    facts: { ...fault.facts },
  };
}

/** Answers any failure as problem+json; what has no name is logged with the reference that the person is shown. */
export function replyWithProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const fault = (error instanceof Error ? validationFault(error as FastifyError) : undefined) ?? toFault(error);
  const problem = problemOf(fault, request.id);
  // Whoever breaks off in the middle of a request hears no answer, and nothing here has failed.
  if (request.raw.destroyed && !request.raw.complete)
    request.log.info({ reference: request.id, code: fault.code }, 'the client broke its request off');
  // A refusal by rule is no failure, even with 503; what has no name, or a cause below it, is.
  else if (problem.status >= 500 && (fault.code === 'INTERNAL' || fault.cause !== undefined))
    request.log.error({ reference: request.id, code: fault.code, err: error }, 'a request failed');
  const retryAfter = fault.facts['retryAfterSeconds'];
  if (typeof retryAfter === 'number') reply.header('retry-after', String(Math.ceil(retryAfter)));
  request.faultCode = fault.code;
  return reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).serializer(JSON.stringify).send(problem);
}
