import { Fault } from '../fault/index.ts';
import type { CertificateRequest } from './certificate-authority.ts';
import type { CertificateTerms } from './credential.ts';
import { fillTemplate, type NamedPerson } from './user-name.ts';

/** T31: long enough to connect, of no use to whoever finds it later. */
export const MOST_CERTIFICATE_MINUTES = 5;
const USUAL: CertificateTerms = { principals: [], minutes: 3, sourceNetworks: [] };
/** For machines whose clock is behind ours. */
const BACKDATED_MS = 60_000;
/** T31: a comma is a second principal to some, and `*` or `!` a pattern (CVE-2026-35414). */
const PRINCIPAL = /^[A-Za-z0-9_][A-Za-z0-9._@+-]{0,63}$/u;
const MOST_PRINCIPALS = 16;

export interface CertificateHolder {
  readonly person: NamedPerson & { readonly id: string };
  /** The account on the machine. */
  readonly username: string;
  readonly sessionId: string;
  readonly purpose: CertificateRequest['purpose'];
}

/** @throws Fault USERNAME_UNFIT where a principal is none */
export function certificateRequest(
  terms: CertificateTerms = USUAL,
  { person, username, sessionId, purpose }: CertificateHolder,
  now: number,
): CertificateRequest {
  const templates = terms.principals.length === 0 ? [username] : terms.principals;
  const principals = [...new Set(templates.map((template) => fillTemplate(template, person)))];
  const unfit = principals.find((principal) => !PRINCIPAL.test(principal));
  if (unfit !== undefined || principals.length > MOST_PRINCIPALS)
    throw new Fault('USERNAME_UNFIT', `${unfit?.slice(0, 64) ?? 'the list'} cannot be the principal of a certificate`);
  const minutes = Math.min(Math.max(terms.minutes, 1), MOST_CERTIFICATE_MINUTES);
  const name = person.username.replaceAll(/[^\p{L}\p{N}._@+-]/gu, '_').slice(0, 128);
  return {
    keyId: `user=${name} id=${person.id} session=${sessionId}`,
    principals,
    notBefore: now - BACKDATED_MS,
    notAfter: now + minutes * 60_000,
    sourceNetworks: terms.sourceNetworks,
    purpose,
  };
}
