import type { X509Certificate } from 'node:crypto';
import { type NameId, SUCCESS } from './messages.ts';
import { requireDistinctIds, signedElement } from './signature.ts';
import {
  allOf,
  attributeOf,
  childrenOf,
  everyElement,
  isNamed,
  NS,
  oneOf,
  parseMessage,
  refused,
  textOf,
  theOne,
} from './xml.ts';

/** Clocks differ. */
const SKEW_MS = 60_000;
const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';

/** What an answer is held against. */
export interface Expected {
  readonly issuer: string;
  readonly audience: string;
  readonly recipient: string;
  readonly inResponseTo: string;
  readonly now: number;
  readonly certificates: readonly X509Certificate[];
}

export interface ReadAssertion {
  readonly id: string;
  readonly expiresAt: number;
  readonly nameId: NameId;
  readonly attributes: ReadonlyMap<string, readonly string[]>;
  readonly authenticatedAt: number;
  readonly session: string | undefined;
  /** SessionNotOnOrAfter: the login at the provider, and whatever rests on it, is over then. */
  readonly endsAt: number | undefined;
  readonly contexts: readonly string[];
}

/**
 * The one signed assertion of an answer. SAML Profiles section 4.1.4.3, and stricter: what could be read in two ways is refused, and
 * everything is read from the bytes that were signed.
 * @throws Fault PROVIDER_REFUSED
 */
export function readResponse(xml: string, expected: Expected): ReadAssertion {
  const response = parseMessage(xml);
  if (!isNamed(response, NS.protocol, 'Response')) throw refused('the message is no response');
  requireDistinctIds(response);
  requireStatus(response);
  requireOneAssertion(response);
  requireSame(attributeOf(response, 'Destination'), expected.recipient, 'the destination');
  requireSame(attributeOf(response, 'InResponseTo'), expected.inResponseTo, 'the request that is answered');
  const issuer = oneOf(response, NS.assertion, 'Issuer');
  if (issuer !== undefined) requireSame(textOf(issuer), expected.issuer, 'the issuer');
  const claimed = theOne(response, NS.assertion, 'Assertion');
  // Cheap, and before any key is tried: an answer to another request is refused by its own words. What is believed is read below, from signed bytes.
  requireConfirmed(theOne(claimed, NS.assertion, 'Subject'), expected);
  if (oneOf(response, NS.signature, 'Signature') !== undefined) signedElement(xml, response, expected.certificates);
  const assertion = signedElement(xml, claimed, expected.certificates);
  return readAssertion(assertion, expected);
}

/** Absent is allowed here: what is signed says it again. */
function requireSame(found: string | undefined, wanted: string, what: string): void {
  if (found !== undefined && found !== wanted) throw refused(`${what} is another one`);
}

function requireStatus(response: Element): void {
  const status = theOne(response, NS.protocol, 'Status');
  const code = theOne(status, NS.protocol, 'StatusCode');
  if (attributeOf(code, 'Value') === SUCCESS) return;
  const inner = oneOf(code, NS.protocol, 'StatusCode') ?? code;
  const word = (attributeOf(inner, 'Value') ?? '').split(':').at(-1)?.replaceAll(/\W/gu, '').slice(0, 60) ?? '';
  throw refused(`the provider answered ${word}`);
}

/** INVARIANT: one assertion, where it belongs, and signatures on it or on the whole and nowhere else: nothing is left to wrap. */
function requireOneAssertion(response: Element): void {
  const places = new Set<Element>([response]);
  for (const child of childrenOf(response)) if (isNamed(child, NS.assertion, 'Assertion')) places.add(child);
  if (places.size !== 2) throw refused('there must be one assertion, and it must not be encrypted');
  for (const element of everyElement(response)) {
    const { localName } = element;
    if (['Assertion', 'Response', 'EncryptedAssertion'].includes(localName) && !places.has(element))
      throw refused(`an element ${localName} is where none belongs`);
    if (localName === 'Signature' && !places.has(element.parentNode as Element))
      throw refused('a signature is where none belongs');
  }
}

function readAssertion(assertion: Element, expected: Expected): ReadAssertion {
  if (attributeOf(assertion, 'Version') !== '2.0') throw refused('the assertion is of another version');
  if (textOf(theOne(assertion, NS.assertion, 'Issuer')) !== expected.issuer) throw refused('the issuer is another one');
  const subject = theOne(assertion, NS.assertion, 'Subject');
  const name = theOne(subject, NS.assertion, 'NameID');
  const confirmedUntil = requireConfirmed(subject, expected);
  requireConditions(theOne(assertion, NS.assertion, 'Conditions'), expected);
  const statements = allOf(assertion, NS.assertion, 'AuthnStatement');
  const [statement] = statements;
  if (statement === undefined) throw refused('the assertion says nothing of a sign-in');
  const ends = statements.flatMap((one) => timeOf(one, 'SessionNotOnOrAfter') ?? []);
  const endsAt = ends.length === 0 ? undefined : Math.min(...ends) + SKEW_MS;
  if (endsAt !== undefined && endsAt <= expected.now) throw refused('the login at the provider is over');
  const authenticatedAt = timeOf(statement, 'AuthnInstant');
  if (authenticatedAt === undefined || authenticatedAt > expected.now + SKEW_MS)
    throw refused('the time of the sign-in is missing or to come');
  return {
    id: attributeOf(assertion, 'ID') ?? '',
    expiresAt: confirmedUntil + SKEW_MS,
    nameId: {
      value: textOf(name),
      format: attributeOf(name, 'Format'),
      qualifier: attributeOf(name, 'NameQualifier'),
      spQualifier: attributeOf(name, 'SPNameQualifier'),
    },
    attributes: readAttributes(assertion),
    authenticatedAt,
    session: attributeOf(statement, 'SessionIndex') || undefined,
    endsAt,
    contexts: allOf(statement, NS.assertion, 'AuthnContext')
      .flatMap((context) => allOf(context, NS.assertion, 'AuthnContextClassRef'))
      .map(textOf),
  };
}

/** @returns until when */
function requireConfirmed(subject: Element, { recipient, inResponseTo, now }: Expected): number {
  const untils = allOf(subject, NS.assertion, 'SubjectConfirmation').flatMap((confirmation) => {
    if (attributeOf(confirmation, 'Method') !== BEARER) return [];
    const data = oneOf(confirmation, NS.assertion, 'SubjectConfirmationData');
    if (data === undefined) return [];
    const until = timeOf(data, 'NotOnOrAfter');
    const isOurs =
      attributeOf(data, 'Recipient') === recipient &&
      attributeOf(data, 'InResponseTo') === inResponseTo &&
      !data.hasAttribute('NotBefore');
    return isOurs && until !== undefined && until + SKEW_MS > now ? [until] : [];
  });
  if (untils.length === 0) throw refused('the assertion is for somebody else, for another request, or too old');
  return Math.max(...untils);
}

function requireConditions(conditions: Element, { audience, now }: Expected): void {
  const from = timeOf(conditions, 'NotBefore');
  const until = timeOf(conditions, 'NotOnOrAfter');
  if ((from !== undefined && from - SKEW_MS > now) || (until !== undefined && until + SKEW_MS <= now))
    throw refused('the assertion is not valid now');
  const restrictions = allOf(conditions, NS.assertion, 'AudienceRestriction');
  const isForUs = restrictions.every((one) => allOf(one, NS.assertion, 'Audience').map(textOf).includes(audience));
  if (restrictions.length === 0 || !isForUs) throw refused('the assertion is for another audience');
}

/** @throws Fault PROVIDER_REFUSED where it is no time */
export function timeOf(element: Element, name: string): number | undefined {
  const text = attributeOf(element, name);
  if (text === undefined) return undefined;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/u.test(text)) throw refused(`${name} is no time in UTC`);
  const time = Date.parse(text);
  // There is no 40th of a month; what is compared with no time is never over.
  if (Number.isNaN(time)) throw refused(`${name} is no time in UTC`);
  return time;
}

function readAttributes(assertion: Element): ReadonlyMap<string, readonly string[]> {
  const read = new Map<string, readonly string[]>();
  for (const statement of allOf(assertion, NS.assertion, 'AttributeStatement'))
    for (const attribute of allOf(statement, NS.assertion, 'Attribute')) {
      const values = allOf(attribute, NS.assertion, 'AttributeValue')
        .filter((value) => childrenOf(value).length === 0)
        .map(textOf);
      const name = attributeOf(attribute, 'Name') ?? '';
      read.set(name, [...(read.get(name) ?? []), ...values]);
    }
  return read;
}
