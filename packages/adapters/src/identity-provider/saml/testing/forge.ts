import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SignedXml } from 'xml-crypto';

export interface Pair {
  readonly key: string;
  readonly certificate: string;
}

export async function makePair(bits = 2_048): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-pair-'));
  const [key, certificate] = [join(folder, 'key'), join(folder, 'crt')];
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', `rsa:${bits}`, '-nodes', '-days', '2', '-subj', '/CN=idp'],
    ...['-keyout', key, '-out', certificate],
  ]);
  const pair = { key: await readFile(key, 'utf8'), certificate: await readFile(certificate, 'utf8') };
  await rm(folder, { recursive: true });
  return pair;
}

/** What a provider says; a test changes it before it is signed. */
export interface Saying {
  readonly issuer: string;
  readonly audience: string;
  readonly recipient: string;
  readonly inResponseTo: string;
  readonly nameId: string;
  readonly format: string;
  readonly now: number;
}

const iso = (time: number): string => new Date(time).toISOString();

export function assertionOf(say: Saying, id = '_assertion'): string {
  return `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id}" Version="2.0" IssueInstant="${iso(say.now)}"><saml:Issuer>${say.issuer}</saml:Issuer><saml:Subject><saml:NameID Format="${say.format}">${say.nameId}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="${say.inResponseTo}" NotOnOrAfter="${iso(say.now + 300_000)}" Recipient="${say.recipient}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="${iso(say.now - 5_000)}" NotOnOrAfter="${iso(say.now + 300_000)}"><saml:AudienceRestriction><saml:Audience>${say.audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="${iso(say.now)}" SessionIndex="_s1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="groups"><saml:AttributeValue>ops</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>`;
}

export function responseOf(say: Saying, assertion: string): string {
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response" Version="2.0" IssueInstant="${iso(say.now)}" Destination="${say.recipient}" InResponseTo="${say.inResponseTo}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${say.issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>${assertion}</samlp:Response>`;
}

const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';

export interface Signing {
  readonly algorithm?: string;
  readonly digest?: string;
  readonly canonicalization?: string;
  readonly transforms?: readonly string[];
}

/** Signs the element with this ID and puts the signature behind its Issuer, as SAML's schema wants it. */
export function signed(xml: string, id: string, pair: Pair, how: Signing = {}): string {
  const signature = new SignedXml({
    privateKey: pair.key,
    publicCert: pair.certificate,
    signatureAlgorithm: how.algorithm ?? 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: how.canonicalization ?? EXCLUSIVE,
  });
  signature.addReference({
    xpath: `//*[@ID='${id}']`,
    transforms: [...(how.transforms ?? ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', EXCLUSIVE])],
    digestAlgorithm: how.digest ?? 'http://www.w3.org/2001/04/xmlenc#sha256',
  });
  signature.computeSignature(xml, {
    location: { reference: `//*[@ID='${id}']/*[local-name(.)='Issuer']`, action: 'after' },
  });
  return signature.getSignedXml();
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');
