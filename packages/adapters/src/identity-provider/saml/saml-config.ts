import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { ParameterField, ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { ProviderManifest, ProviderSettings } from '@enchilada/core/identity';
import { readCertificate } from './certificate.ts';
import { isLoopback } from '../shared/loopback.ts';
import { nameAttributesField, readNameAttributes } from '../shared/name-attributes.ts';

const PROVIDER = { en: 'Provider', de: 'Anbieter' };
const BY_HAND = { en: 'Without metadata', de: 'Ohne Metadaten' };
const ATTRIBUTES = { en: 'What is read from the assertion', de: 'Was aus der Assertion gelesen wird' };
const SIGN_OUT = { en: 'Sign-out and second factor', de: 'Abmeldung und zweiter Faktor' };

const PRINTABLE = '^[\\u0021-\\u007e]*$';
const ADDRESS = '^(?:https?://[^\\s#]+)?$';

const attribute = (name: string, words: Pick<ParameterField, 'label' | 'help'>): ParameterField => ({
  ...{ name, kind: 'text', group: ATTRIBUTES, maxLength: 200, pattern: PRINTABLE },
  ...words,
});

export const manifest: ProviderManifest = {
  kind: 'saml',
  label: { en: 'SAML 2.0', de: 'SAML 2.0' },
  way: 'redirect',
  answers: 'form',
  secret: {
    en: 'Private key to sign requests with (PEM, optional)',
    de: 'Privater Schlüssel zum Signieren von Anfragen (PEM, wahlweise)',
  },
  parameters: [
    {
      name: 'entityId',
      kind: 'text',
      required: true,
      group: PROVIDER,
      label: { en: 'Entity ID of the provider', de: 'Entity-ID des Anbieters' },
      help: {
        en: 'Exactly as the provider calls itself in its metadata. Nothing of another name is believed.',
        de: 'Genau wie der Anbieter sich in seinen Metadaten nennt. Nichts unter anderem Namen wird geglaubt.',
      },
      maxLength: 500,
      pattern: '^[\\u0021-\\u007e]+$',
    },
    {
      name: 'metadataUrl',
      kind: 'text',
      group: PROVIDER,
      label: { en: 'Metadata address', de: 'Adresse der Metadaten' },
      help: {
        en: 'Read again every hour, and when a signature is by a key that is not known yet.',
        de: 'Wird stündlich neu gelesen, und wenn eine Signatur von einem noch unbekannten Schlüssel ist.',
      },
      maxLength: 500,
      pattern: ADDRESS,
    },
    {
      name: 'spEntityId',
      kind: 'text',
      group: PROVIDER,
      label: { en: 'Our entity ID', de: 'Unsere Entity-ID' },
      help: {
        en: 'Empty: the address of our metadata. The provider must name it as the audience.',
        de: 'Leer: die Adresse unserer Metadaten. Der Anbieter muss sie als Audience nennen.',
      },
      maxLength: 500,
      pattern: PRINTABLE,
    },
    {
      name: 'ourCertificate',
      kind: 'list',
      group: PROVIDER,
      label: { en: 'Our certificate (PEM)', de: 'Unser Zertifikat (PEM)' },
      help: {
        en: 'Of the private key below, where requests are to be signed. It becomes part of our metadata.',
        de: 'Zum privaten Schlüssel unten, wenn Anfragen signiert werden sollen. Es wird Teil unserer Metadaten.',
      },
      maxItems: 100,
      maxLength: 4_000,
      pattern: '^[\\u0020-\\u007e]*$',
    },
    {
      name: 'signOnAddress',
      kind: 'text',
      group: BY_HAND,
      label: { en: 'Sign-on address (HTTP-Redirect)', de: 'Anmeldeadresse (HTTP-Redirect)' },
      maxLength: 500,
      pattern: ADDRESS,
    },
    {
      name: 'signOutAddress',
      kind: 'text',
      group: BY_HAND,
      label: { en: 'Sign-out address (HTTP-Redirect)', de: 'Abmeldeadresse (HTTP-Redirect)' },
      maxLength: 500,
      pattern: ADDRESS,
    },
    {
      name: 'certificates',
      kind: 'list',
      group: BY_HAND,
      label: { en: 'Certificates that it signs with (PEM)', de: 'Zertifikate, mit denen er signiert (PEM)' },
      maxItems: 200,
      maxLength: 4_000,
      pattern: '^[\\u0020-\\u007e]*$',
    },
    attribute('subjectAttribute', {
      label: { en: 'What tells people apart', de: 'Woran Personen unterschieden werden' },
      help: {
        en: 'An attribute that is never given to somebody else. Empty: the NameID, which must then be lasting (not transient).',
        de: 'Ein Attribut, das nie an jemand anderen geht. Leer: die NameID, die dann dauerhaft sein muss (nicht transient).',
      },
    }),
    attribute('usernameAttribute', {
      label: { en: 'User name', de: 'Benutzername' },
      help: {
        en: 'Only what the account is called. Empty: uid, the name claim, or else the NameID.',
        de: 'Nur wie das Konto heißt. Leer: uid, der Name-Claim oder sonst die NameID.',
      },
    }),
    attribute('groupsAttribute', {
      label: { en: 'Groups', de: 'Gruppen' },
      help: {
        en: 'Empty: groups, isMemberOf, eduPersonAffiliation or the groups claim of Microsoft.',
        de: 'Leer: groups, isMemberOf, eduPersonAffiliation oder der Gruppen-Claim von Microsoft.',
      },
    }),
    nameAttributesField(ATTRIBUTES),
    {
      name: 'signOutThere',
      kind: 'boolean',
      group: SIGN_OUT,
      label: { en: 'Sign out at the provider too', de: 'Auch beim Anbieter abmelden' },
      default: true,
    },
    {
      name: 'factorContexts',
      kind: 'list',
      group: SIGN_OUT,
      label: { en: 'Contexts that count as a second factor', de: 'Kontexte, die als zweiter Faktor gelten' },
      help: {
        en: 'Values of AuthnContextClassRef, one a line. Empty: the REFEDS MFA profile and the multiple-authentication claim of Microsoft.',
        de: 'Werte von AuthnContextClassRef, einer je Zeile. Leer: das MFA-Profil von REFEDS und der Mehrfach-Claim von Microsoft.',
      },
      maxItems: 20,
      maxLength: 200,
    },
  ],
};

/** With which requests are signed. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

export interface SamlConfig {
  readonly entityId: string;
  readonly metadataUrl: URL | undefined;
  readonly spEntityId: string;
  readonly byHand: {
    readonly signOn: string;
    readonly signOut: string;
    readonly certificates: readonly X509Certificate[];
  };
  readonly subjectAttribute: string;
  readonly usernameAttributes: readonly string[];
  readonly groupsAttributes: readonly string[];
  readonly nameAttributes: readonly string[];
  readonly signOutThere: boolean;
  readonly factorContexts: readonly string[];
}

const USERNAMES = [
  'uid',
  'urn:oid:0.9.2342.19200300.100.1.1',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name',
  'username',
  'login',
];
const GROUPS = [
  'groups',
  'isMemberOf',
  'eduPersonAffiliation',
  'urn:oid:1.3.6.1.4.1.5923.1.5.1.1',
  'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups',
  'http://schemas.xmlsoap.org/claims/Group',
];
const FACTORS = ['https://refeds.org/profile/mfa', 'http://schemas.microsoft.com/claims/multipleauthn'];
export const DISPLAY_NAMES = [
  'displayName',
  'urn:oid:2.16.840.1.113730.3.1.241',
  'http://schemas.microsoft.com/identity/claims/displayname',
  'cn',
  'urn:oid:2.5.4.3',
  'name',
];
export const MAILS = [
  'mail',
  'email',
  'urn:oid:0.9.2342.19200300.100.1.3',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
];

/** @throws Fault INVALID_REQUEST */
export function readConfig(parameters: ParameterValues): SamlConfig {
  const text = (name: string): string => {
    const value = parameters[name];
    return typeof value === 'string' ? value.trim() : '';
  };
  const lines = (name: string): readonly string[] => {
    const value = parameters[name];
    return Array.isArray(value) ? (value as readonly string[]).filter((line) => line.trim() !== '') : [];
  };
  const entityId = text('entityId');
  if (entityId === '') throw wrong('entityId', 'must be given');
  for (const name of ['metadataUrl', 'signOnAddress', 'signOutAddress'])
    if (text(name) !== '') requireSafe(name, text(name));
  const byHand = {
    signOn: text('signOnAddress'),
    signOut: text('signOutAddress'),
    certificates: pemsOf(lines('certificates')),
  };
  if (text('metadataUrl') === '' && (byHand.signOn === '' || byHand.certificates.length === 0))
    throw wrong('metadataUrl', 'must be given, or else the sign-on address and a certificate');
  const or = (given: string, standard: readonly string[]): readonly string[] => (given === '' ? standard : [given]);
  const contexts = lines('factorContexts');
  return {
    entityId,
    metadataUrl: text('metadataUrl') === '' ? undefined : new URL(text('metadataUrl')),
    spEntityId: text('spEntityId'),
    byHand,
    subjectAttribute: text('subjectAttribute'),
    usernameAttributes: or(text('usernameAttribute'), USERNAMES),
    groupsAttributes: or(text('groupsAttribute'), GROUPS),
    nameAttributes: readNameAttributes(parameters),
    signOutThere: parameters['signOutThere'] !== false,
    factorContexts: contexts.length === 0 ? FACTORS : contexts,
  };
}

/** Undefined where requests are not signed. @throws Fault INVALID_REQUEST where key and certificate do not fit */
export function readSigningKey({
  parameters,
  secret,
}: Pick<ProviderSettings, 'parameters' | 'secret'>): SigningKey | undefined {
  if (secret === undefined) return undefined;
  const lines = parameters['ourCertificate'];
  try {
    const key = createPrivateKey(asPem(secret.reveal()));
    const certificate = new X509Certificate(asPem(Array.isArray(lines) ? lines.join('\n') : ''));
    if (key.asymmetricKeyType !== 'rsa' || !certificate.checkPrivateKey(key)) throw new TypeError('they do not fit');
    return { key, certificate };
  } catch {
    throw wrong('ourCertificate', 'and the secret must be a certificate and its RSA private key, both in PEM');
  }
}

/** Fields of one line lose the line breaks that PEM has (RFC 7468). */
function asPem(text: string): string {
  const [, label = '', body = ''] = /-----BEGIN ([A-Z ]+)-----(.*?)-----END/su.exec(text) ?? [];
  const lines = body.replaceAll(/\s+/gu, '').match(/.{1,64}/gu) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

function pemsOf(lines: readonly string[]): readonly X509Certificate[] {
  if (lines.length === 0) return [];
  const pems = lines.join('\n').match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/gu) ?? [];
  const read = pems.map((pem) => readCertificate(pem.replaceAll(/-----[A-Z ]+-----/gu, '')));
  const usable = read.filter((certificate) => certificate !== undefined);
  if (usable.length === 0 || usable.length < read.length)
    throw wrong('certificates', 'must be certificates in PEM, with RSA keys of at least 2048 bits');
  return usable;
}

function requireSafe(field: string, address: string): void {
  const url = URL.parse(address);
  if (url === null || url.username !== '' || url.password !== '') throw wrong(field, 'must be an address');
  if (url.protocol !== 'https:' && !isLoopback(url))
    throw wrong(field, 'must begin with https:, unless the provider runs on this machine');
}

function wrong(field: string, message: string): Fault {
  return new Fault('INVALID_REQUEST', `${field} ${message}`, { facts: { field: `body/parameters/${field}` } });
}
