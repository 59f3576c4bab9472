import { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import * as client from 'openid-client';
import { believed, wordsOf } from '../shared/believed.ts';

/** What the answer itself may be lost in: then nothing was said of the person. */
const UNHEARD = [
  'OAUTH_PARSE_ERROR',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
];
/** RFC 6749 section 5.2, OpenID Connect Core section 3.1.2.6: the person is let in no more, or must come with a browser. */
const WITHDRAWN = ['invalid_grant', 'interaction_required', 'login_required', 'consent_required'];

/** RFC 6749 section 5.2; whatever else stands in its place is the provider's own text, and may hold what it was sent. */
const ERROR_WORD = /^[a-z_]{1,60}$/u;

type Answered = (address: string, response: Response) => Promise<Response>;

/** A provider in trouble says nothing of anybody. @throws Fault PROVIDER_UNAVAILABLE */
export function requireCalm(response: Response): void {
  if (response.status >= 500 || response.status === 429)
    throw new Fault('PROVIDER_UNAVAILABLE', `the provider answers ${response.status}`);
}

/**
 * What the token endpoint answers, for the library. The token that the provider gives in place of the one it was shown is kept first, whatever the rest of
 * the answer is worth; and what an answer says is not hidden by a challenge beside it, which a refused client is sent too (RFC 6749 section 5.2).
 */
export function keepingNext(tokenEndpoint: string | undefined, keep: (next: Secret) => Promise<void>): Answered {
  // The library asks at the address in its normal form.
  const asked = tokenEndpoint !== undefined && URL.canParse(tokenEndpoint) ? new URL(tokenEndpoint).href : undefined;
  return async (address, response) => {
    if (address !== asked) return response;
    if (response.ok) await keepFrom(response, keep);
    else response.headers.delete('www-authenticate');
    return response;
  };
}

async function keepFrom(response: Response, keep: (next: Secret) => Promise<void>): Promise<void> {
  const answer: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  if (typeof answer !== 'object' || answer === null || !('refresh_token' in answer)) return;
  const next = answer.refresh_token;
  // Of whatever length: an answer is bounded as a whole, and one that is dropped is a sign-in that cannot be asked about again.
  if (typeof next === 'string' && next !== '') await keep(new Secret(next));
}

/** @returns undefined with the provider's word where it takes the token no more. @throws Fault PROVIDER_REFUSED, PROVIDER_UNAVAILABLE, and what `keep` throws */
export async function askedAgain(
  configuration: client.Configuration,
  token: Secret,
): Promise<{ readonly tokens: Tokens } | { readonly error: string }> {
  try {
    return { tokens: await client.refreshTokenGrant(configuration, token.reveal()) };
  } catch (cause) {
    if (cause instanceof client.ResponseBodyError) {
      const { error } = cause;
      if (WITHDRAWN.includes(error)) return { error };
      const word = ERROR_WORD.test(error) ? error : 'for a reason of its own';
      throw new Fault('PROVIDER_UNAVAILABLE', `the provider does not let itself be asked again: ${word}`);
    }
    throw await unheardOr(cause);
  }
}

type Tokens = Awaited<ReturnType<typeof client.refreshTokenGrant>>;

/** The same for whatever else is asked on the way. @throws Fault PROVIDER_REFUSED, PROVIDER_UNAVAILABLE */
export async function heard<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw await unheardOr(cause);
  }
}

async function unheardOr(cause: unknown): Promise<unknown> {
  if (!(cause instanceof Error)) return cause;
  // The library wraps what our own fetch throws.
  if (cause.cause instanceof Fault) return cause.cause;
  const isUnheard = 'code' in cause && UNHEARD.includes(String(cause.code));
  // Without the cause, which quotes what it could not read.
  if (isUnheard)
    return new Fault('PROVIDER_UNAVAILABLE', `the provider does not answer as it should: ${wordsOf(cause)}`);
  return believed(Promise.reject(cause)).catch((fault: unknown) => fault);
}
