import type { ParameterField, ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { ProviderManifest } from '@enchilada/core/identity';
import { isLoopback } from '../shared/loopback.ts';
import { nameAttributesField, readNameAttributes } from '../shared/name-attributes.ts';

const PROVIDER = { en: 'Provider', de: 'Anbieter' };
const CLAIMS = { en: 'What is read from the claims', de: 'Was aus den Claims gelesen wird' };
const SIGN_OUT = { en: 'Sign-out and second factor', de: 'Abmeldung und zweiter Faktor' };

const CLAIM = '^[\\u0021-\\u007e]{1,200}$';

const claim = (name: string, standard: string, words: Pick<ParameterField, 'label' | 'help'>): ParameterField => ({
  name,
  kind: 'text',
  group: CLAIMS,
  default: standard,
  maxLength: 200,
  pattern: CLAIM,
  ...words,
});

export const manifest: ProviderManifest = {
  kind: 'oidc',
  label: { en: 'OpenID Connect', de: 'OpenID Connect' },
  way: 'redirect',
  secret: { en: 'Client secret', de: 'Client-Geheimnis' },
  secretGoesBy: ['issuer', 'clientId'],
  parameters: [
    {
      name: 'issuer',
      kind: 'text',
      required: true,
      group: PROVIDER,
      label: { en: 'Issuer', de: 'Aussteller (Issuer)' },
      help: {
        en: 'Exactly as the provider calls itself, for example https://login.example.org/realms/staff. Its settings are read below /.well-known/openid-configuration.',
        de: 'Genau wie der Anbieter sich nennt, etwa https://login.example.org/realms/staff. Seine Angaben werden unter /.well-known/openid-configuration gelesen.',
      },
      maxLength: 500,
      pattern: '^https?://[^\\s?#]+$',
    },
    {
      name: 'clientId',
      kind: 'text',
      required: true,
      group: PROVIDER,
      label: { en: 'Client ID', de: 'Client-ID' },
      maxLength: 300,
      pattern: '^[\\u0021-\\u007e]+$',
    },
    {
      name: 'scopes',
      kind: 'list',
      group: PROVIDER,
      label: { en: 'Scopes', de: 'Scopes' },
      help: {
        en: 'One a line. Empty: openid, profile and email.',
        de: 'Einer je Zeile. Leer: openid, profile und email.',
      },
      maxItems: 30,
      maxLength: 200,
      pattern: '^[\\u0021-\\u007e]+$',
    },
    {
      name: 'offline',
      kind: 'choice',
      group: PROVIDER,
      label: { en: 'Asked again about people who are signed in', de: 'Nachfragen über angemeldete Personen' },
      help: {
        en: 'With the refresh token that the provider gives: groups follow it, and who is disabled there is out here. One that it gives unasked is used too.',
        de: 'Mit dem Refresh-Token, das der Anbieter gibt: Gruppen folgen ihm, und wer dort gesperrt ist, ist hier draußen. Auch ein ungefragt gegebenes wird genutzt.',
      },
      default: 'none',
      options: [
        { value: 'none', label: { en: 'Only if it gives one unasked', de: 'Nur wenn er ungefragt eines gibt' } },
        {
          value: 'scope',
          label: {
            en: 'Scope offline_access (Entra ID, Okta, Keycloak)',
            de: 'Scope offline_access (Entra ID, Okta, Keycloak)',
          },
        },
        {
          value: 'consent',
          label: {
            en: 'Scope offline_access, asking for consent each time',
            de: 'Scope offline_access, mit Zustimmung jedes Mal',
          },
        },
        { value: 'access-type', label: { en: 'access_type=offline (Google)', de: 'access_type=offline (Google)' } },
      ],
    },
    claim('usernameClaim', 'preferred_username', {
      label: { en: 'User name', de: 'Benutzername' },
      help: {
        en: 'Only what the account is called. Accounts are told apart by the claim sub, never by this.',
        de: 'Nur wie das Konto heißt. Unterschieden werden Konten am Claim sub, nie hieran.',
      },
    }),
    claim('groupsClaim', 'groups', {
      label: { en: 'Groups', de: 'Gruppen' },
      help: {
        en: 'Dots lead into objects: realm_access.roles. Asked for at the userinfo endpoint where the ID token lacks it.',
        de: 'Punkte führen in Objekte: realm_access.roles. Fehlt es im ID-Token, wird der Userinfo-Endpunkt gefragt.',
      },
    }),
    nameAttributesField(CLAIMS),
    {
      name: 'required',
      kind: 'list',
      group: CLAIMS,
      label: { en: 'Must hold', de: 'Muss gelten' },
      help: {
        en: 'Claims of the ID token, one NAME=VALUE a line, for example hd=example.org or tid=… . Whoever lacks one is refused.',
        de: 'Claims des ID-Tokens, je Zeile NAME=WERT, etwa hd=example.org oder tid=… . Wem einer fehlt, der wird abgewiesen.',
      },
      maxItems: 20,
      maxLength: 400,
      pattern: '^[^=\\s]+=.+$',
    },
    {
      name: 'signOutThere',
      kind: 'boolean',
      group: SIGN_OUT,
      label: { en: 'Sign out at the provider too', de: 'Auch beim Anbieter abmelden' },
      default: true,
    },
    {
      name: 'factorMethods',
      kind: 'list',
      group: SIGN_OUT,
      label: { en: 'Methods that count as a second factor', de: 'Verfahren, die als zweiter Faktor gelten' },
      help: {
        en: 'Values of the claim amr, one a line. Empty: mfa. Matters only where the provider is trusted with the second factor.',
        de: 'Werte des Claims amr, einer je Zeile. Leer: mfa. Zählt nur, wenn dem Anbieter der zweite Faktor anvertraut ist.',
      },
      maxItems: 20,
      maxLength: 100,
    },
  ],
};

/** How the provider is moved to give a refresh token. */
export type Offline = 'none' | 'scope' | 'consent' | 'access-type';

/** The parameters with their types. The manifest's patterns have been checked before. */
export interface OidcConfig {
  readonly issuer: URL;
  /** As it was written: the claim `iss` is compared to the letter. */
  readonly issuerText: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly offline: Offline;
  readonly usernameClaim: string;
  readonly groupsClaim: string;
  readonly nameAttributes: readonly string[];
  readonly required: readonly (readonly [name: string, value: string])[];
  readonly signOutThere: boolean;
  readonly factorMethods: readonly string[];
}

/** @throws Fault INVALID_REQUEST */
export function readConfig(parameters: ParameterValues): OidcConfig {
  const text = (name: string, standard: string): string => {
    const value = parameters[name];
    return typeof value === 'string' && value !== '' ? value : standard;
  };
  const lines = (name: string, standard: readonly string[] = []): readonly string[] => {
    const value = parameters[name];
    return Array.isArray(value) && value.length > 0 ? (value as readonly string[]) : standard;
  };
  const issuerText = text('issuer', '');
  const issuer = URL.parse(issuerText);
  if (issuer === null || issuer.username !== '' || issuer.password !== '')
    throw wrong('issuer', 'must be the address that the provider calls itself by');
  if (issuer.protocol !== 'https:' && !isLoopback(issuer))
    throw wrong('issuer', 'must begin with https:, unless the provider runs on this machine');
  const clientId = text('clientId', '');
  if (clientId === '') throw wrong('clientId', 'must be given');
  const scopes = lines('scopes', ['openid', 'profile', 'email']);
  return {
    issuer,
    issuerText,
    clientId,
    scopes: scopes.includes('openid') ? scopes : ['openid', ...scopes],
    offline: text('offline', 'none') as Offline,
    usernameClaim: text('usernameClaim', 'preferred_username'),
    groupsClaim: text('groupsClaim', 'groups'),
    nameAttributes: readNameAttributes(parameters),
    required: lines('required').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
    signOutThere: parameters['signOutThere'] !== false,
    factorMethods: lines('factorMethods', ['mfa']),
  };
}

function wrong(field: string, message: string): Fault {
  return new Fault('INVALID_REQUEST', `${field} ${message}`, { facts: { field: `body/parameters/${field}` } });
}
