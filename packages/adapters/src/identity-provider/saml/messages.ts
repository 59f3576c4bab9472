import { sign } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { ProviderAddresses } from '@enchilada/core/identity';
import type { SigningKey } from './saml-config.ts';
import { RSA_SHA256 } from './signature.ts';
import { escapeXml as x, NS } from './xml.ts';

const POST = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST';
const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
export const SUCCESS = 'urn:oasis:names:tc:SAML:2.0:status:Success';

/** Whom a login is about at the provider, as it must be said again when it ends. */
export interface NameId {
  readonly value: string;
  readonly format: string | undefined;
  readonly qualifier: string | undefined;
  readonly spQualifier: string | undefined;
}

interface Head {
  readonly id: string;
  readonly at: number;
  readonly to: string;
  readonly issuer: string;
}

function head({ id, at, to }: Head): string {
  return `xmlns:samlp="${NS.protocol}" xmlns:saml="${NS.assertion}" ID="${id}" Version="2.0" IssueInstant="${new Date(at).toISOString()}" Destination="${x(to)}"`;
}

const issuerOf = ({ issuer }: Head): string => `<saml:Issuer>${x(issuer)}</saml:Issuer>`;

export function authnRequest(given: Head & { readonly answerTo: string; readonly force: boolean }): string {
  const force = given.force ? ' ForceAuthn="true"' : '';
  return `<samlp:AuthnRequest ${head(given)}${force} ProtocolBinding="${POST}" AssertionConsumerServiceURL="${x(given.answerTo)}">${issuerOf(given)}<samlp:NameIDPolicy AllowCreate="true"/></samlp:AuthnRequest>`;
}

export function logoutRequest(given: Head & { readonly nameId: NameId; readonly session: string | undefined }): string {
  const { value, format, qualifier, spQualifier } = given.nameId;
  const attribute = (name: string, of: string | undefined): string => (of === undefined ? '' : ` ${name}="${x(of)}"`);
  const name = `<saml:NameID${attribute('Format', format)}${attribute('NameQualifier', qualifier)}${attribute('SPNameQualifier', spQualifier)}>${x(value)}</saml:NameID>`;
  const index = given.session === undefined ? '' : `<samlp:SessionIndex>${x(given.session)}</samlp:SessionIndex>`;
  return `<samlp:LogoutRequest ${head(given)}>${issuerOf(given)}${name}${index}</samlp:LogoutRequest>`;
}

export function logoutResponse(given: Head & { readonly inResponseTo: string }): string {
  return `<samlp:LogoutResponse ${head(given)} InResponseTo="${x(given.inResponseTo)}">${issuerOf(given)}<samlp:Status><samlp:StatusCode Value="${SUCCESS}"/></samlp:Status></samlp:LogoutResponse>`;
}

interface Sending {
  readonly to: string;
  readonly name: 'SAMLRequest' | 'SAMLResponse';
  readonly xml: string;
  readonly relayState: string | undefined;
}

/** The address that takes a message along (SAML Bindings section 3.4.4). */
export function addressWith({ to, name, xml, relayState }: Sending, key: SigningKey | undefined): string {
  const parts = [`${name}=${encodeURIComponent(deflateRawSync(xml).toString('base64'))}`];
  if (relayState !== undefined) parts.push(`RelayState=${encodeURIComponent(relayState)}`);
  if (key !== undefined) {
    parts.push(`SigAlg=${encodeURIComponent(RSA_SHA256)}`);
    const signature = sign('sha256', Buffer.from(parts.join('&')), key.key).toString('base64');
    parts.push(`Signature=${encodeURIComponent(signature)}`);
  }
  return `${to}${to.includes('?') ? '&' : '?'}${parts.join('&')}`;
}

/** What we say of ourselves. */
export function spMetadata(entityId: string, at: ProviderAddresses, key: SigningKey | undefined): string {
  const certificate =
    key === undefined
      ? ''
      : `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="${NS.signature}"><ds:X509Data><ds:X509Certificate>${key.certificate.raw.toString('base64')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="${NS.metadata}" entityID="${x(entityId)}"><md:SPSSODescriptor AuthnRequestsSigned="${String(key !== undefined)}" WantAssertionsSigned="true" protocolSupportEnumeration="${NS.protocol}">${certificate}<md:SingleLogoutService Binding="${REDIRECT}" Location="${x(at.logoutTo)}"/><md:SingleLogoutService Binding="${POST}" Location="${x(at.logoutTo)}"/><md:AssertionConsumerService Binding="${POST}" Location="${x(at.answerTo)}" index="0" isDefault="true"/></md:SPSSODescriptor></md:EntityDescriptor>
`;
}
